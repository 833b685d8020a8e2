#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ansible's own tests of collections. They want the collection at a path of their choosing, so they get a copy.
set -euo pipefail
cd "$(dirname "$0")/.."

target=build/sanity/ansible_collections/caisson/openstack
rm -rf build/sanity
mkdir -p "$target"
git ls-files -z --cached --others --exclude-standard -- . ':!molecule' ':!tests' ':!.ci' | xargs -0 tar -c --ignore-failed-read | tar -x -C "$target"
cd "$target"
# it tests what git knows, and this copy lies in a directory that git does not
git init --quiet && git add --all

# it wants the bootstrap script of its version of pip from a server of its own; where that cannot be reached, Python has one too
pip=$(python3 -c 'from ansible_test._internal import python_requirements; print(python_requirements.__file__)' |
    xargs sed -n "s/^ *pip='\([0-9.]*\)',$/\1/p")
bootstrap=~/.ansible/test/cache/get_pip_${pip//./_}.py
mkdir -p "${bootstrap%/*}"
[ -e "$bootstrap" ] || printf 'import ensurepip\n\nensurepip.bootstrap()\n' >"$bootstrap"

exec ansible-test sanity --local --python "$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" --requirements --color no "$@"
