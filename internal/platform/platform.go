// Package platform knows what "here" is: the operating system and its
// version, the architecture, the C library, the compiler and GNU make.
//
// A recipe says where a fix is needed and what a build needs; this package
// answers for the machine it runs on:
//
//	here := platform.Here(ctx)
//	fmt.Println(here) // freebsd/12.0-RELEASE-p3/amd64 clang 6.0.1
//
// It looks and reports; it does not judge. Which versions match which
// condition is decided by package recipe, and what is missing for a build is
// installed, when the user asks for it, with the commands it only names.
package platform

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A Platform is a machine as a recipe sees it. Fields that could not be found
// out are empty.
type Platform struct {
	OS       string `json:"os"`                // as Go calls it: freebsd, linux
	Version  string `json:"version,omitempty"` // of the OS: "12.0-RELEASE-p3"; on Linux the distribution's: "12"
	Distro   string `json:"distro,omitempty"`  // Linux only: debian, alpine
	Family   string `json:"family,omitempty"`  // whose packages it uses: debian, freebsd, …
	Arch     string `json:"arch"`              // as Go calls it: amd64, arm64
	Libc     string `json:"libc,omitempty"`    // "glibc 2.36", "musl", "freebsd"
	Compiler string `json:"compiler,omitempty"`
}

// String is the platform on one line.
func (p Platform) String() string {
	s := strings.Join(nonempty(p.OS, p.Version, p.Arch), "/")
	return strings.Join(nonempty(s, p.Distro, p.Libc, p.Compiler), " ")
}

func nonempty(words ...string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// Here looks at the machine this runs on. It asks small commands (cc, getconf,
// freebsd-version). That one is not there is an answer; the error says that
// one did not answer in time, so that what is here is not known.
func Here(ctx context.Context) (Platform, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := look(ctx)
	if err := ctx.Err(); err != nil {
		return Platform{}, fmt.Errorf("asking the system and the compiler what they are: %w", err)
	}
	return p, nil
}

// patience is how long the system and the compiler are given to answer.
const patience = 30 * time.Second

func look(ctx context.Context) Platform {
	p := Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	named := make(chan string, 1)
	go func() { named <- compiler(ctx) }()
	switch p.OS {
	case "linux":
		osRelease(&p, "/etc/os-release")
		p.Libc = linuxLibc(ctx)
	case "freebsd":
		p.Family, p.Libc = "freebsd", "freebsd"
		p.Version = firstLine(ask(ctx, "freebsd-version", "-u"))
		if p.Version == "" {
			p.Version = firstLine(ask(ctx, "uname", "-r"))
		}
		p.Version, _, _ = strings.Cut(p.Version, "-STABLE")
		p.Version, _, _ = strings.Cut(p.Version, "-CURRENT")
	default:
		p.Family = p.OS
		p.Version = firstLine(ask(ctx, "uname", "-r"))
	}
	p.Compiler = <-named
	return p
}

// compiler names the C compiler that $CC, or cc, starts: "gcc 12.2.0".
func compiler(ctx context.Context) string {
	argv := strings.Fields(os.Getenv("CC"))
	if len(argv) == 0 {
		argv = []string{"cc"}
	}
	return compilerFrom(ask(ctx, append(argv, "--version")...))
}

var (
	clangVersion = regexp.MustCompile(`clang version (\d[\d.]*)`)
	gccVersion   = regexp.MustCompile(`(?m)^\S*(?:gcc|cc|g\+\+|c\+\+)\S* \(.*\) (\d[\d.]*)`)
)

// compilerFrom reads the first lines of a compiler's --version.
func compilerFrom(text string) string {
	if m := clangVersion.FindStringSubmatch(text); m != nil {
		return "clang " + m[1]
	}
	if m := gccVersion.FindStringSubmatch(text); m != nil {
		return "gcc " + m[1]
	}
	return ""
}

// osRelease fills in the distribution from a file in the form of
// os-release(5).
func osRelease(p *Platform, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if key, val, ok := strings.Cut(lines.Text(), "="); ok {
			values[key] = strings.Trim(val, `"'`)
		}
	}
	p.Distro, p.Version = values["ID"], values["VERSION_ID"]
	p.Family = p.Distro
	for like := range strings.FieldsSeq(values["ID_LIKE"]) {
		if like == "debian" {
			p.Family = like
		}
	}
}

func linuxLibc(ctx context.Context) string {
	if version := firstLine(ask(ctx, "getconf", "GNU_LIBC_VERSION")); version != "" {
		return version
	}
	if musl, _ := filepath.Glob("/lib/ld-musl-*"); len(musl) > 0 {
		return "musl"
	}
	return ""
}

// ask runs a small command and returns what it printed, "" when it fails.
func ask(ctx context.Context, argv ...string) string {
	out, err := answer(ctx, argv...)
	if err != nil {
		return ""
	}
	return out
}

// answer is what a command says, in English, and whether it fails.
func answer(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return string(out), err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
