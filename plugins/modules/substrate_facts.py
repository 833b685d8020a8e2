#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
m = AnsibleModule({})
m.exit_json(ansible_facts={"cloud_substrate": {"virt_type": "qemu", "ovs_datapath": "netdev", "apparmor": False, "cgroup_version": 1}})
