package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestCompilerFrom(t *testing.T) {
	for text, want := range map[string]string{
		"gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright":                                        "gcc 12.2.0",
		"cc (GCC) 13.2.1 20230801":                                                                "gcc 13.2.1",
		"gcc-14 (Ubuntu 14.2.0-4ubuntu2) 14.2.0":                                                  "gcc 14.2.0",
		"FreeBSD clang version 14.0.5 (https://github.com/llvm/llvm-project.git)\nTarget: x86_64": "clang 14.0.5",
		"Debian clang version 16.0.6 (15~deb12u1)":                                                "clang 16.0.6",
		"Apple clang version 15.0.0 (clang-1500.3.9.4)":                                           "clang 15.0.0",
		"tcc version 0.9.27 (x86_64 Linux)":                                                       "",
		"":                                                                                        "",
	} {
		if got := compilerFrom(text); got != want {
			t.Errorf("compilerFrom(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestOSRelease(t *testing.T) {
	for text, want := range map[string]Platform{
		"ID=debian\nVERSION_ID=\"12\"\n":                     {Distro: "debian", Version: "12", Family: "debian"},
		"ID=ubuntu\nVERSION_ID='24.04'\nID_LIKE=debian\n":    {Distro: "ubuntu", Version: "24.04", Family: "debian"},
		"ID=alpine\nVERSION_ID=3.19.1\n":                     {Distro: "alpine", Version: "3.19.1", Family: "alpine"},
		"ID=rocky\nID_LIKE=\"rhel centos fedora\"\nnonsense": {Distro: "rocky", Family: "rocky"},
	} {
		file := filepath.Join(t.TempDir(), "os-release")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var p Platform
		osRelease(&p, file)
		if p != want {
			t.Errorf("%q gives %+v, want %+v", text, p, want)
		}
	}
	var p Platform
	osRelease(&p, "/no/such/file")
	if p != (Platform{}) {
		t.Errorf("a missing file gives %+v", p)
	}
}

func TestHere(t *testing.T) {
	p, err := Here(t.Context())
	if err != nil || p.OS != runtime.GOOS || p.Arch != runtime.GOARCH || p.Family == "" || p.Compiler == "" {
		t.Errorf("here is %+v", p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := Here(ctx); !errors.Is(err, context.Canceled) || p != (Platform{}) {
		t.Errorf("when nothing can be asked, here is %+v, %v", p, err)
	}
}

// programs puts shell scripts of these names into a folder and makes it the
// whole PATH.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestGNUMake(t *testing.T) {
	const gnu, bsd = "echo GNU Make 4.3", "echo usage; exit 2"
	for _, test := range []struct {
		name    string
		scripts map[string]string
		env     string
		want    string // file name; "" is ErrNoMake
	}{
		{"as on FreeBSD", map[string]string{"gmake": gnu, "make": bsd}, "", "gmake"},
		{"as on Linux", map[string]string{"make": gnu}, "", "make"},
		{"only BSD make", map[string]string{"make": bsd}, "", ""},
		{"none", nil, "", ""},
		{"the user's", map[string]string{"gmake": gnu, "mymake": gnu}, "mymake", "mymake"},
		{"the user's is not GNU's", map[string]string{"gmake": gnu, "bmake": bsd}, "bmake", "gmake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			programs(t, test.scripts)
			t.Setenv("MAKE", test.env)
			got, name, err := GNUMake(t.Context())
			if test.want == "" {
				if !errors.Is(err, ErrNoMake) {
					t.Errorf("found %s, %v", got, err)
				}
				return
			}
			if err != nil || filepath.Base(got) != test.want || !filepath.IsAbs(got) {
				t.Errorf("found %s, %v; want %s", got, err, test.want)
			}
			if name != "GNU Make 4.3" {
				t.Errorf("its name is %q", name)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	programs(t, map[string]string{
		"dpkg-query": `for name; do case $name in
			zlib1g-dev|held) echo "installed $name $name:amd64 $name";;
			libz1:amd64) echo "installed libz1 libz1:amd64 libz1";;
			half) echo "half-installed half half:amd64 half";;
			-*|*" "*) ;; *) status=1;; esac; done; exit $status`,
		"pkg": `for last; do :; done; case $last in gmake) echo gmake;; *) exit 1;; esac`,
	})
	for _, test := range []struct {
		family      string
		names, want []string
		known       bool
	}{
		{"debian", []string{"zlib1g-dev", "libssl-dev", "half", "held", "libz1:amd64", "zlib1g-dev:i386"}, []string{"half", "libssl-dev", "zlib1g-dev:i386"}, true},
		{"freebsd", []string{"gmake", "openssl"}, []string{"openssl"}, true},
		{"debian", nil, nil, true},
		{"haiku", []string{"a"}, nil, false},
	} {
		got, known := Platform{Family: test.family}.Missing(t.Context(), test.names)
		if !slices.Equal(got, test.want) || known != test.known {
			t.Errorf("on %s %v are missing of %v (%v)", test.family, got, test.names, known)
		}
	}
}

func TestInstall(t *testing.T) {
	p := Platform{Family: "debian"}
	got := p.Install([]string{"a", "b"}, true)
	if os.Geteuid() != 0 {
		for i := range got {
			if got[i][0] != "sudo" {
				t.Errorf("a user installs with %v", got[i])
			}
			got[i] = got[i][2:]
		}
	}
	if want := "[[apt-get update] [apt-get install -y --no-install-recommends a b]]"; fmt.Sprint(got) != want {
		t.Errorf("commands are %v, want %v", got, want)
	}
	if got := p.Install(nil, true); got != nil {
		t.Errorf("nothing is installed with %v", got)
	}
	if got := (Platform{Family: "haiku"}).Install([]string{"a"}, false); got != nil {
		t.Errorf("on an unknown system: %v", got)
	}
}

func TestBootID(t *testing.T) {
	if a, b := BootID(), BootID(); a != b || a == "" && slices.Contains([]string{"linux", "freebsd"}, runtime.GOOS) {
		t.Errorf("the machine started anew between %q and %q", a, b)
	}
}

func ExamplePlatform_String() {
	fmt.Println(Platform{OS: "freebsd", Version: "12.0-RELEASE-p3", Arch: "amd64", Libc: "freebsd", Compiler: "clang 6.0.1"})
	// Output: freebsd/12.0-RELEASE-p3/amd64 freebsd clang 6.0.1
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Platform{
		"freebsd/12.0-RELEASE-p3":               {OS: "freebsd", Version: "12.0-RELEASE-p3", Family: "freebsd"},
		"FreeBSD":                               {OS: "freebsd", Family: "freebsd"},
		"linux":                                 {OS: "linux"},
		"debian/12/arm64":                       {OS: "linux", Distro: "debian", Version: "12", Family: "debian", Arch: "arm64"},
		"ubuntu/24.04":                          {OS: "linux", Distro: "ubuntu", Version: "24.04", Family: "debian"},
		"alpine/3.20,libc=musl,compiler=gcc 14": {OS: "linux", Distro: "alpine", Version: "3.20", Family: "alpine", Libc: "musl", Compiler: "gcc 14"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "/12", "freebsd/", "freebsd/12/amd64/x", "linux,", "linux,libc", "linux,libc=", "linux,cc=gcc"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}

// TestParseAsWritten: people write what they see elsewhere.
func TestParseAsWritten(t *testing.T) {
	for text, want := range map[string]Platform{
		"macos/14":                          {OS: "darwin", Version: "14", Family: "darwin"},
		"freebsd/14.0-CURRENT/x86_64":       {OS: "freebsd", Version: "14.0-CURRENT", Family: "freebsd", Arch: "amd64"},
		"debian/12/AArch64,compiler=gcc-14": {OS: "linux", Distro: "debian", Version: "12", Family: "debian", Arch: "arm64", Compiler: "gcc 14"},
		"linux,compiler=GCC14.2":            {OS: "linux", Compiler: "gcc 14.2"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"freebsd 12.0", "windows/10", "12.0", "-"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestToolchain(t *testing.T) {
	here, err := Here(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gmake, _, _ := GNUMake(t.Context())
	one, err := here.Toolchain(t.Context(), gmake)
	if err != nil || len(one) != 64 {
		t.Fatalf("it is %q, %v", one, err)
	}
	if again, err := here.Toolchain(t.Context(), gmake); again != one {
		t.Errorf("it is %s and then %s, %v", one, again, err)
	}
	t.Setenv("CC", "true")
	if other, err := here.Toolchain(t.Context(), gmake); other == one {
		t.Errorf("another compiler changes nothing, %v", err)
	}
}
