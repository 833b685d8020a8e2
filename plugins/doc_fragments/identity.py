# SPDX-License-Identifier: Apache-2.0
"""The option by which modules are told which cloud and which host a run takes a host for."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by modules."""

    DOCUMENTATION = r"""
options:
  identity:
    description: What M(caisson.openstack.secrets) says of the secrets, with names of cloud and host, and what the operator consents to.
    type: dict
    default: {}
    suboptions:
      cloud: {description: Name of the cloud., type: str, default: ''}
      host: {description: Name of the host in the inventory., type: str, default: ''}
      file: {description: 'Secrets file of the controller, for messages.', type: str, default: ''}
      state: {description: 'Whether that file is V(kept), V(missing) or V(empty).', type: str, default: kept}
      fingerprint: {description: Digest of the secret by which the cloud is known., type: str, default: ''}
      generation: {description: How often the collection has changed the secrets file., type: int, default: 0}
      history: {description: 'Random names of the last of these changes, oldest first.', type: list, elements: str, default: []}
      secrets: {description: Keyed digest of each secret by its name., type: dict, default: {}}
      lacking: {description: Names of secrets that would be made now., type: list, elements: str, default: []}
      salt: {description: Salt of the digests in O(identity.proof)., type: str, default: ''}
      proof: {description: Digests of secrets to look for in the configuration of the host., type: list, elements: str, default: []}
      recreate: {description: Name of the cloud that the operator consents to recreate with these secrets., type: str, default: ''}
      adopt: {description: Names of hosts that the operator consents to take over., type: list, elements: str, default: []}
"""
