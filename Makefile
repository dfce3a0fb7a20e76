# Rollcall: two targets do all set-up on a fresh machine with Go: demo and test.
SHELL := /bin/bash
GO ?= go
PKGS ?= ./...
TAGS := nomsgpack
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Tools of the checks, built on first use and kept beside other caches.
TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rollcall/tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-v2.15.0
GOVULNCHECK := $(TOOLS)/govulncheck-v1.2.0
GREMLINS := $(TOOLS)/gremlins-v0.6.0
TOXIPROXY := $(TOOLS)/toxiproxy-v2.5.0

# The order of the tests of a run: make test SHUFFLE=N repeats one.
ifndef SHUFFLE
SHUFFLE := $(shell date +%s)
endif

.PHONY: load least-privilege threats faults soak deploy-check servers samba help demo test scim-conformance build vet fmt lint bench fuzz fuzz-ci properties mutate \
	modules repro cover generate verify vuln live

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

demo: ## try it: pretend tenants and a chat window, no credentials
	@$(GO) run -tags $(TAGS) ./cmd/rollcall demo

# Packages are built side by side and tested one after the other: the tests of the
# whole product kill processes and wait for leases, and a crowded machine makes
# them slow.
test: servers ## every test, with -race, against simulators and against real servers
	$(GO) build -race -tags $(TAGS) $(PKGS)
	@echo "the order of the tests: make test SHUFFLE=$(SHUFFLE) repeats it"
	$(GO) test -race -shuffle=$(SHUFFLE) -tags $(TAGS) -p 1 -parallel 4 -timeout 20m $(PKGS)
	$(GO) test -tags $(TAGS) -parallel 8 -timeout 20m -run '^Test(P0[1-59]|P1[125]|I10)_' ./cmd/rollcall # a dozen failpoints and random kills, signals, starvation, another binary, a lost record, a few faults at once; all of them: make faults, make soak
	$(GO) test -shuffle=$(SHUFFLE) -tags $(TAGS) -timeout 20m ./sync/matrix ./scripting # all pairs of systems, all hostile rules: with -race they take a part of them

# Debian packages, each with a command that shows that it is there.
SERVERS := redis-server:redis-server slapd:slapd postgresql:initdb mariadb-server:mariadbd
servers: # real counterparts of the tests; what is not there is said loudly, and its tests are skipped
	@export PATH="$$PATH:/usr/sbin:/usr/local/sbin:$$(echo /usr/lib/postgresql/*/bin)"; \
	lacking() { for s in $(SERVERS); do command -v "$${s#*:}" >/dev/null || echo "$${s%:*}"; done; }; \
	want=$$(lacking); \
	if [ -n "$$want" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing for the tests:" $$want; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$want) >/dev/null 2>&1 || true; \
	fi; \
	export PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin)"; \
	for s in $$(lacking); do echo "NOT RUN: no $$s here, so the tests against a real one are skipped"; done
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		$(GO) test -tags $(TAGS) -count=1 -run '^TestPeerInstalls$$' ./sync/connector/scim; \
	else \
		echo "NOT RUN: no node and npm here, so the tests against a real SCIM service are skipped"; \
	fi

NEWMAN_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rollcall/newman-6.2.2

KILLS ?= 1000
SEED ?= 0

WORLD ?=

faults: $(TOXIPROXY) ## break everything: kills at every failpoint in every WORLD, KILLS (1000) at random (SEED repeats one), record, Redis, sources, targets; docs/reliability.md
	$(GO) test -tags $(TAGS) -count=1 -v -parallel 8 -timeout 180m -run '^TestP01_' ./cmd/rollcall -faults -world "$(WORLD)"
	$(GO) test -tags $(TAGS) -count=1 -v -timeout 180m -run '^TestP02_' ./cmd/rollcall -kills $(KILLS) -seed $(SEED) -world "$(WORLD)"
	ROLLCALL_LONG=1 $(GO) test -tags $(TAGS) -count=1 -timeout 60m -run '^Test[SG][0-9]' ./sync/matrix ./sync/engine # every page and way, a department of 30,000
	$(GO) test -tags $(TAGS) -count=1 -v -timeout 60m -run '^Test(P0[34]|P1[0-4]|I10)_' ./cmd/rollcall -faults
	$(GO) test -tags $(TAGS) -count=1 -v -timeout 60m -run '^Test(P0[34]|P1[0-4]|I10)_' ./sync/engine ./bot
	$(GO) test -tags $(TAGS) -count=1 -v -parallel 2 -timeout 30m -run '^TestP0[59]_' ./cmd/rollcall -faults # the record lost in every way, a hundred triggers at once
	@test -x $(TOXIPROXY) || echo "NOT RUN: toxiproxy v2.5.0 cannot be built here, so its toxics are not tried"
	ROLLCALL_LONG=1 ROLLCALL_TOXIPROXY="$$(ls $(TOXIPROXY) 2>/dev/null)" $(GO) test -tags $(TAGS) -count=1 -v -timeout 30m -run '^TestP0[678]_' ./store/queue
	ROLLCALL_TOXIPROXY="$$(ls $(TOXIPROXY) 2>/dev/null)" $(GO) test -tags $(TAGS) -count=1 -v -timeout 60m -run '^TestP0[678]_' ./cmd/rollcall -cut 5s
	$(GO) test -tags $(TAGS) -count=1 -v -timeout 60m -run '^TestP07_' ./cmd/rollcall -cut 60s

soak: MINUTES ?= 30
soak: ## three faults at once for MINUTES (30) while people command and vote (SEED repeats one, WORLD: replicas or sqlite); docs/reliability.md
	$(GO) test -tags $(TAGS) -count=1 -v -timeout $$(( $(MINUTES) * 3 + 30 ))m -run '^TestP15_' ./cmd/rollcall -soak $(MINUTES)m -seed $(SEED) -world "$(WORLD)"

RATE ?= 200
FLOWS ?= 100

load: MINUTES ?= 5
load: ## RATE (200) commands a second for MINUTES (5) against two replicas, FLOWS (100) at once, then the outbox drains: about 30 minutes; PROFILE=FOLDER for profiles
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '-s -w' -o rollcall ./cmd/rollcall
	$(GO) test -tags $(TAGS) -count=1 -v -run '^TestOutboxOfTenThousand$$' ./bot
	ROLLCALL_BINARY="$(abspath rollcall)" $(GO) test -tags $(TAGS) -count=1 -v -timeout 180m -run '^TestLoad$$' ./cmd/rollcall \
		-load $(MINUTES) -load-rate $(RATE) -load-flows $(FLOWS) $(if $(PROFILE),-load-profile "$(abspath $(PROFILE))")

scim-conformance: ## run a Postman collection of SCIM requests against a fresh server: COLLECTION=FILE
	@test -f "$(COLLECTION)" || { echo "say which: make scim-conformance COLLECTION=FILE"; exit 2; }
	@test -x "$(NEWMAN_DIR)/node_modules/.bin/newman" || npm install --silent --no-audit --no-fund --prefix "$(NEWMAN_DIR)" newman@6.2.2
	$(GO) test -tags $(TAGS) -count=1 -v -run '^TestPostman$$' ./sync/connector/scimserver -collection "$(abspath $(COLLECTION))" -newman "$(NEWMAN_DIR)/node_modules/.bin/newman"

samba: ## the LDAP connector against a Samba domain: SAMBA_URL, SAMBA_BIND, SAMBA_PASSWORD, SAMBA_BASE, SAMBA_CA (docs/systems/ldap.md)
	$(GO) test -tags $(TAGS),samba -count=1 -v -run Samba ./sync/connector/ldapdir

build: ## the binary, into ./rollcall
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '-s -w' -o rollcall ./cmd/rollcall

vet: ## go vet
	$(GO) vet -tags $(TAGS) $(PKGS)

fmt: ## gofmt every file
	gofmt -w $$(git ls-files '*.go')

$(GOLANGCI_LINT):
	@$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0)
$(GOVULNCHECK):
	@$(call install,golang.org/x/vuln/cmd/govulncheck@v1.2.0)
$(GREMLINS):
	@$(call install,github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0)
$(TOXIPROXY):
	@$(call install,github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0)

# install builds a tool under a name with its version, so that another version is
# another file. What cannot be had is told by the target that needs it.
install = mkdir -p $(TOOLS)/new && echo "building $(1), once" && \
	(GOFLAGS= GOBIN=$(TOOLS)/new $(GO) install $(1) && mv $(TOOLS)/new/$(notdir $(firstword $(subst @, ,$(1)))) $@) || true

lint: $(GOLANGCI_LINT) ## golangci-lint, built on first use
	@if [ -x $(GOLANGCI_LINT) ]; then \
		$(GOLANGCI_LINT) run --allow-parallel-runners --build-tags $(TAGS); \
	else \
		echo "NOT RUN: golangci-lint v2.15.0 cannot be built here, so nothing is linted"; \
	fi

bench: ## the benchmarks of docs/performance.md
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem ./sync/plan ./scripting ./bot ./bot/feishubot ./bot/dingtalkbot ./store ./sync/connector/rosterfile

fuzz: ## each fuzz target for FUZZTIME (10s)
	@.ci/fuzz each $${FUZZTIME:-10s}

fuzz-ci: ## all fuzz targets for a minute in total, at least one second each
	@.ci/fuzz 60

CHECKS ?= 10000
properties: ## the tests of properties (rapid) with CHECKS (10,000) tries each; make test makes 100
	$(GO) test -tags $(TAGS) -count=1 -p 1 -timeout 60m -rapid.checks=$(CHECKS) \
		$$($(GO) list -tags $(TAGS) -f '{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$$.ImportPath}}{{"\n"}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$$.ImportPath}}{{"\n"}}{{end}}{{end}}' $(PKGS) | sort -u)

mutate: $(GREMLINS) ## mutation testing of planner, votes, journal, signatures and escaping (docs/reliability.md): ONLY=NAME for one
	@if [ -x $(GREMLINS) ]; then GREMLINS=$(GREMLINS) .ci/mutate $(ONLY); else echo "NOT RUN: gremlins v0.6.0 cannot be built here, so nothing is mutated"; fi

modules: ## the modules are those of go.sum
	$(GO) mod verify

repro: ## two builds, from two folders and without a common cache, give the same bytes
	@.ci/repro

cover: ## coverage of every package
	$(GO) test -tags $(TAGS) -cover $(PKGS)

deploy-check: ## alert rules, their unit tests and the dashboard's questions by promtool, and that all name real metrics
	$(GO) test -tags $(TAGS) -count=1 -run 'TestAlertRules|TestDashboard|TestPromtool' ./cmd/rollcall
	@if command -v promtool >/dev/null; then \
		cd deploy/prometheus && promtool check rules rules.yaml && promtool check config --syntax-only prometheus.yaml && promtool test rules rules_test.yaml; \
	else \
		echo "NOT RUN: no promtool here (Debian package prometheus), so the alert rules' own tests are skipped"; \
	fi

generate: ## generated tables in docs and the configuration's schema
	$(GO) test ./configs -run 'Schema' -update
	$(GO) test ./sync/connector/... -run 'Docs' -update
	$(GO) test ./bot ./sync/run ./sync/matrix ./sync/meter -run 'Docs' -update

verify: generate ## generated files and go.mod are up to date
	$(GO) mod tidy
	git diff --exit-code

# Data of the Go vulnerability database: a folder (VULNDB), or an archive of one.
VULNDB_TAR ?= ../shared/vulndb.tar.xz
vuln: $(GOVULNCHECK) ## known vulnerabilities that our code reaches: VULNDB=FOLDER or VULNDB_TAR=FILE with the data
	@GOVULNCHECK=$(GOVULNCHECK) VULNDB="$(VULNDB)" VULNDB_TAR="$(VULNDB_TAR)" TAGS=$(TAGS) .ci/vuln

live: ## check real credentials and create, disable and delete one test person: CONFIG=FILE FLOW=NAME MOBILE=NUMBER
	$(GO) test -tags $(TAGS),live -count=1 -v -run Live ./cmd/rollcall

least-privilege: ## serve as the container does: read-only root, any user, no capability; needs root, not Docker
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '-s -w' -o rollcall ./cmd/rollcall
	ROLLCALL_BINARY="$(abspath rollcall)" $(GO) test -tags $(TAGS) -count=1 -v -run '^TestT124_' ./cmd/rollcall

threats: ## the tests of docs/security.md by their ids, with vendors that never end an answer (two minutes more)
	ROLLCALL_LONG=1 $(GO) test -tags $(TAGS) -count=1 -run 'TestT[0-9]|TestA[0-9]' $(PKGS)
