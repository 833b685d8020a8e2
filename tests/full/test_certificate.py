# SPDX-License-Identifier: Apache-2.0
"""The operator's own certificate, behind which every API starts anew twice."""

from __future__ import annotations

import datetime
import json
import pathlib
import subprocess

from ansible_collections.caisson.openstack.plugins.plugin_utils.secrets import certificates
from tests.cloud.conftest import Cloud, environment
from tests.cloud.test_3c_tls import ADDRESS, Visitor, presented, started


def test_a_certificate_of_the_operator_takes_the_place_of_the_own_one(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    authority = certificates.make_authority(now)
    theirs = certificates.make_certificate(authority, [ADDRESS, "api.example.org"], now)
    (tmp_path / "ca.crt").write_text(certificates.only(authority))
    (tmp_path / "api.crt").write_text(certificates.only(theirs))
    (tmp_path / "api.key").write_text(theirs.removeprefix(certificates.only(theirs)))
    (tmp_path / "password").write_text("not the one of the cloud\n")
    vault = ["--vault-password-file", str(tmp_path / "password")]
    subprocess.run(["ansible-vault", "encrypt", *vault, "api.key"], cwd=tmp_path, env=environment(cloud.root), check=True)
    trusted = {"cloud_tls_ca_file": str(tmp_path / "ca.crt")}
    served = {**trusted, "cloud_tls_certificate_file": str(tmp_path / "api.crt"), "cloud_tls_key_file": str(tmp_path / "api.key")}
    # first everybody trusts the other CA as well, then the certificate changes
    cloud.play("site", "-e", json.dumps(trusted))
    before = started(cloud)
    both = cloud.tls
    both.load_verify_locations(tmp_path / "ca.crt")
    with Visitor(both) as visitor:
        text = cloud.play("site", "-e", json.dumps(served), *vault)
    print(f"{visitor.visits} connections, {len(visitor.failures)} failed")
    assert presented(5000).strip() == certificates.only(theirs).strip()
    assert (visitor.failures, started(cloud)) == ([], before)
    assert theirs.splitlines()[-3] not in text
    cloud.play("site")
    assert presented(5000).strip() == certificates.only(cloud.secrets["cloud_certificate"]).strip()
