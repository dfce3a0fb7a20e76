# Rollcall: two targets do all set-up on a fresh machine with Go: demo and test.
SHELL := /bin/bash
GO ?= go
PKGS ?= ./...
TAGS := nomsgpack
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: least-privilege threats servers samba help demo test scim-conformance build run vet fmt lint bench fuzz cover generate verify vuln live

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

demo: ## try it: pretend tenants and a chat window, no credentials
	@$(GO) run -tags $(TAGS) ./cmd/rollcall demo

# Packages are built side by side and tested one after the other: the tests of the
# whole product kill processes and wait for leases, and a crowded machine makes
# them slow.
test: servers ## every test, with -race, against simulators and against real servers
	$(GO) build -race -tags $(TAGS) $(PKGS)
	$(GO) test -race -tags $(TAGS) -p 1 -parallel 4 -timeout 20m $(PKGS)
	$(GO) test -tags $(TAGS) -timeout 20m ./sync/matrix # all pairs of systems: with -race it takes a part of them

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

lint: ## golangci-lint, built on first use
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

bench: ## the benchmarks of docs/performance.md
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem ./sync/plan ./scripting ./bot ./bot/feishubot ./bot/dingtalkbot ./store ./sync/connector/rosterfile

fuzz: ## each fuzz target for FUZZTIME (10s)
	@for pkg in $$($(GO) list $(PKGS)); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} $$pkg || exit 1; \
		done; \
	done

cover: ## coverage of every package
	$(GO) test -tags $(TAGS) -cover $(PKGS)

generate: ## generated tables in docs and the configuration's schema
	$(GO) test ./configs -run 'Schema' -update
	$(GO) test ./sync/connector/... -run 'Docs' -update
	$(GO) test ./bot ./sync/run ./sync/matrix -run 'Docs' -update

verify: generate ## generated files and go.mod are up to date
	$(GO) mod tidy
	git diff --exit-code

vuln: ## known vulnerabilities; VULNDB is a folder with the Go vulnerability data
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.2.0 -db file://$(VULNDB) ./...

live: ## check real credentials and create, disable and delete one test person: CONFIG=FILE FLOW=NAME MOBILE=NUMBER
	$(GO) test -tags $(TAGS),live -count=1 -v -run Live ./cmd/rollcall

least-privilege: ## serve as the container does: read-only root, any user, no capability; needs root, not Docker
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '-s -w' -o rollcall ./cmd/rollcall
	ROLLCALL_BINARY="$(abspath rollcall)" $(GO) test -tags $(TAGS) -count=1 -v -run '^TestT124_' ./cmd/rollcall

threats: ## the tests of docs/security.md by their ids, with vendors that never end an answer (two minutes more)
	ROLLCALL_LONG=1 $(GO) test -tags $(TAGS) -count=1 -run 'TestT[0-9]|TestA[0-9]' $(PKGS)
