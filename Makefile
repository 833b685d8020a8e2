# SPDX-License-Identifier: Apache-2.0
# Every target is one or two calls that can be made by hand; `make -n TARGET` shows them.

PYTHON ?= python3
INVENTORY ?= inventory/aio/hosts.yml
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Ansible runs in locales of UTF-8 only, and cron has none
export LC_ALL := C.UTF-8
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

PLAY := ansible-playbook -i $(INVENTORY)

.PHONY: help cloud tempest site verify status destroy test test-full test-unit docs locks lint sanity bench collection clean
# two tests at a time, those of one file in their order
PARALLEL := --numprocesses 2 --dist loadfile

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

cloud: collection ## A running cloud on this machine: engine, images, services, verification
	$(PLAY) caisson.openstack.cloud $(ARGS)

site: collection ## Bring the services to their definitions
	$(PLAY) caisson.openstack.site $(ARGS)

verify: collection ## Boot a server, reach it, delete it
	$(PLAY) caisson.openstack.verify $(ARGS)

tempest: collection ## Run the public test suite against the cloud
	$(PLAY) caisson.openstack.tempest $(ARGS)

status: collection ## Show every container, its image and health
	$(PLAY) caisson.openstack.status $(ARGS)

destroy: collection ## Remove the cloud; asks before it deletes data
	$(PLAY) caisson.openstack.destroy $(ARGS)

test: $(BIN)/.dev ## All tests but the long ones
	python -m tests.suite $(ARGS)

test-full: test ## All tests; the long ones take six hours more
	pytest $(ARGS) -m long tests/integration
	pytest $(ARGS) -m long tests/cloud
	pytest $(ARGS) tests/full

test-unit: $(BIN)/.dev ## The quick tests
	pytest $(ARGS) $(PARALLEL) tests/unit

docs: $(BIN)/.dev ## Write the tables that the documents repeat of the definitions
	PYTHONPATH=.dev python -m tests.docs

locks: $(BIN)/.dev ## Make the locks of the images fit their inputs, and the lists of options
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.dev ansible-playbook playbooks/lock.yml $(ARGS)

lint: $(BIN)/.dev ## Style and types
	ruff check . && ruff format --check .
	mypy
	yamllint --strict .
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.dev ansible-lint --offline

sanity: $(BIN)/.dev ## Ansible's own tests of collections
	tests/sanity.sh

bench: $(BIN)/.dev collection ## Measure against the budgets; ARGS=model for one part of it
	PYTHONPATH=.dev python -m tests.bench $(ARGS)

collection: $(BIN)/.ready ## Build the collection and install it into the virtual environment
	@mkdir -p build && rm -rf build/collection && ansible-galaxy collection build --force --output-path build/collection . >build/collection.log
	@ansible-galaxy collection install --offline --no-deps --force -p $(VENV)/collections build/collection/*.tar.gz >>build/collection.log

$(BIN)/.ready: requirements.txt
	@mkdir -p build
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || apt-get install -qy --no-install-recommends python3-venv
	$(PYTHON) -m venv $(VENV)
	pip install --quiet --quiet --requirement requirements.txt
	@touch $@

$(BIN)/.dev: $(BIN)/.ready requirements-dev.txt
	pip install --quiet --quiet --requirement requirements-dev.txt
	@mkdir -p .dev/ansible_collections/caisson && ln -sfn ../../.. .dev/ansible_collections/caisson/openstack
	@touch $@

clean: ## Remove what was built here; the cloud stays
	rm -rf $(VENV) .dev build artifacts
