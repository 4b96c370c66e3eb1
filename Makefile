# srcmend: what there is to do. Works with GNU make and with BSD make.

GO ?= go
FUZZTIME ?= 20s
DEMO = dovecot@2.3.19.1

all: build

# The program, without cgo.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -o srcmend ./cmd/srcmend

# Every test, under the race detector.
test:
	$(GO) test -race -timeout 60m ./...

# Installs what some tests want beside Go, a C compiler and make, where that is known; a test
# whose program is not there skips, and says so.
tools:
	if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $(TOOLS); \
	else echo "install by hand what is missing of: $(TOOLS)"; fi
TOOLS = autoconf automake bison bmake clang-16 cmake flex g++ gawk gettext gfortran git libbsd-dev libfl-dev \
	libssl-dev libtool libxml2-dev make meson ninja-build perl pkg-config python3-minimal quilt zlib1g-dev

# What must be clean before a commit.
check: build
	$(GO) vet ./...
	GOOS=freebsd $(GO) vet ./...
	@out=$$($(GO) tool gofumpt -l cmd internal recipes patches); test -z "$$out" || { echo "gofumpt: $$out"; exit 1; }
	@out=$$($(GO) fix -diff ./... 2>&1); test -z "$$out" || { echo "$$out"; exit 1; }
	$(GO) tool staticcheck -checks inherit,ST1000,ST1020,ST1021,ST1022 ./...
	@out=$$($(GO) tool deadcode -test ./...); test -z "$$out" || { echo "deadcode: $$out"; exit 1; }
	$(GO) mod tidy -diff
	./srcmend recipe lint

# Builds for other systems.
cross:
	for target in freebsd/amd64 freebsd/arm64 linux/arm64; do \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/srcmend || exit 1; \
	done

# The main job: a real mail server from source, twice; the second time there
# is nothing to do. Everything it makes is below ./demo.
demo: build
	XDG_CACHE_HOME="$$PWD/demo/cache" XDG_STATE_HOME="$$PWD/demo/state" \
		./srcmend build $(DEMO) --prefix "$$PWD/demo/dovecot" --install-needs
	demo/dovecot/sbin/dovecot --version
	XDG_CACHE_HOME="$$PWD/demo/cache" XDG_STATE_HOME="$$PWD/demo/state" \
		./srcmend build $(DEMO) --prefix "$$PWD/demo/dovecot"

# The collection, proven: archives, verdicts, red without each fix and green with it; then once
# more, when nothing is to be done. What can't be reached from here is passed over, and said.
VERIFY = XDG_CACHE_HOME="$$PWD/demo/cache" XDG_STATE_HOME="$$PWD/demo/state" \
	./srcmend --recipes recipes verify --unreachable skip
verify: build
	mkdir -p demo/verify
	$(VERIFY) --install-needs --report html=demo/verify/index.html --report json=demo/verify/verify.jsonl --receipts demo/verify/receipts
	$(VERIFY)

# More than a hundred real packages with their patches, against dpkg-source, GNU
# patch and quilt, and the suites of GNU patch and git. What is fetched is kept.
CORPUS = $$PWD/corpus
corpus:
	mkdir -p "$(CORPUS)"
	SRCMEND_CORPUS="$(CORPUS)" $(GO) test -count=1 -timeout 80m -v -run 'TestCorpus|Suite$$' ./cmd/srcmend

# Speed, each against its peer in the same run.
bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...

# Writes the expected output of tests and the schema anew.
golden:
	$(GO) test ./internal/recipe -update
	UPDATE=1 $(GO) test ./cmd/srcmend -run TestScripts

# Every fuzz target for a while. What is found is hardly made smaller: where several
# goroutines run, go would do nothing else.
fuzz:
	@for dir in $$(grep -rl --include='*_test.go' 'func Fuzz' internal | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho 'func Fuzz[A-Za-z0-9]*' $$dir/*_test.go | cut -c6-); do \
			echo "$$dir $$target"; \
			$(GO) test ./$$dir -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x || exit 1; \
		done; \
	done

clean:
	rm -rf srcmend demo

.PHONY: all build test tools check cross demo verify corpus bench golden fuzz clean
