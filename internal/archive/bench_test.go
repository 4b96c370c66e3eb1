package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchFiles and benchBytes are the shape of a large source release.
const (
	benchFiles = 3000
	benchBytes = 36 << 20
)

// sourceTar is a tar archive of made-up C: files in number, about size bytes
// altogether, the same on every run.
func sourceTar(tb testing.TB, files, size int) []byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(11, 12))
	words := make([]string, 600)
	for i := range words {
		b := make([]byte, 2+random.IntN(9))
		for j := range b {
			b[j] = byte('a' + random.IntN(26))
		}
		words[i] = string(b)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	put := func(h *tar.Header, data []byte) {
		h.ModTime = time.Unix(1543000000+int64(random.IntN(1e6)), 0)
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			tb.Fatal(err)
		}
	}
	var data bytes.Buffer
	for i := range files {
		dir := fmt.Sprintf("release-1.0/src/part-%02d", i/50)
		if i%50 == 0 {
			put(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
		}
		data.Reset()
		for length := random.IntN(2 * size / files); data.Len() < length; {
			data.WriteString(strings.Repeat("\t", random.IntN(3)))
			for range 1 + random.IntN(9) {
				data.WriteString(words[int(float64(len(words))*random.Float64()*random.Float64())])
				data.WriteByte(" (),;*&->"[random.IntN(9)])
			}
			data.WriteString(";\n")
		}
		put(&tar.Header{Name: fmt.Sprintf("%s/file-%04d.c", dir, i), Mode: 0o644, Size: int64(data.Len())}, data.Bytes())
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// cpu is the processor time used so far, by this process or by its children.
func cpu(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkUnpack unpacks a release of 3,000 files and 36 MB, in turns with tar.
// x/tar is the wall time and cpu-x/tar the processor time as a multiple of
// tar's; of tar the start of its processes counts, of Unpack there is none.
func BenchmarkUnpack(b *testing.B) {
	plain := sourceTar(b, benchFiles, benchBytes)
	for _, c := range []struct{ ext, packer string }{
		{"tar", ""}, {"tar.gz", "gzip"}, {"tar.bz2", "bzip2"}, {"tar.xz", "xz"}, {"tar.zst", "zstd"},
	} {
		b.Run(c.ext, func(b *testing.B) {
			if _, err := exec.LookPath("tar"); err != nil {
				b.Skip("tar is not installed")
			}
			dir := b.TempDir()
			path := filepath.Join(dir, "release."+c.ext)
			packed := plain
			if c.packer != "" {
				cmd := exec.Command(c.packer, "-c")
				cmd.Stdin = bytes.NewReader(plain)
				var err error
				if packed, err = cmd.Output(); err != nil {
					b.Skipf("%s: %v", c.packer, err)
				}
			}
			if err := os.WriteFile(path, packed, 0o644); err != nil {
				b.Fatal(err)
			}
			compareWithTar(b, path, dir)
		})
	}
}

// compareWithTar unpacks path below dir by turns.
func compareWithTar(b *testing.B, path, dir string) {
	var wall, cpus [2]time.Duration
	for b.Loop() {
		for i, unpack := range []func(dst string) error{
			func(dst string) error {
				f, err := os.Open(path)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = Unpack(b.Context(), f, dst, Options{})
				return err
			},
			func(dst string) error {
				if err := os.Mkdir(dst, 0o755); err != nil {
					return err
				}
				return exec.Command("tar", "xf", path, "-C", dst, "--strip-components=1").Run()
			},
		} {
			dst := filepath.Join(dir, "dst")
			who := []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN}[i]
			used, start := cpu(b, who), time.Now()
			if err := unpack(dst); err != nil {
				b.Fatal(err)
			}
			wall[i] += time.Since(start)
			cpus[i] += cpu(b, who) - used
			b.StopTimer()
			if err := os.RemoveAll(dst); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(wall[0])/float64(wall[1]), "x/tar")
	b.ReportMetric(float64(cpus[0])/float64(cpus[1]), "cpu-x/tar")
}

// BenchmarkLook has five files of a release given to it, in turns with tar: of the
// release that BenchmarkUnpack unpacks, and of a real one that "make corpus" has
// fetched, if it has. x/tar and cpu-x/tar are as there.
func BenchmarkLook(b *testing.B) {
	b.Run("made", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "release.tar.gz")
		check(b, os.WriteFile(path, gz(b, sourceTar(b, benchFiles, benchBytes)), 0o644))
		compareLook(b, path)
	})
	b.Run("dovecot", func(b *testing.B) {
		found, _ := filepath.Glob(filepath.Join(os.Getenv(corpusVariable), "sources", "dovecot_*.orig.tar.gz"))
		if len(found) == 0 {
			b.Skipf("needs what make corpus fetches, in the folder sources of $%s", corpusVariable)
		}
		compareLook(b, found[0])
	})
}

// compareLook reads five files of an archive that lie far apart.
func compareLook(b *testing.B, path string) {
	if _, err := exec.LookPath("tar"); err != nil {
		b.Skip("tar is not installed")
	}
	f, err := os.Open(path)
	check(b, err)
	defer f.Close()
	var all []string // with their top folder
	_, err = scan(b.Context(), f, Options{}.withDefaults(), func(e entry, _ io.Reader) error {
		if e.kind == file && e.size > 0 {
			all = append(all, e.name)
		}
		return nil
	})
	check(b, err)
	wanted, argv := map[string]bool{}, []string{"-xOf", path}
	for i := range 5 {
		name := all[i*(len(all)-1)/4]
		_, below, _ := strings.Cut(name, "/")
		wanted[below] = true
		argv = append(argv, name)
	}
	var wall, cpus [2]time.Duration
	for b.Loop() {
		var size [2]int
		for i, get := range []func() (int, error){
			func() (int, error) { return lookFor(b.Context(), f, wanted) },
			func() (int, error) {
				out, err := exec.Command("tar", argv...).Output()
				return len(out), err
			},
		} {
			who := []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN}[i]
			used, start := cpu(b, who), time.Now()
			n, err := get()
			check(b, err)
			wall[i] += time.Since(start)
			cpus[i] += cpu(b, who) - used
			size[i] = n
		}
		if size[0] != size[1] || size[0] == 0 {
			b.Fatalf("%d bytes, of tar %d", size[0], size[1])
		}
	}
	b.ReportMetric(wall[0].Seconds()*1000/float64(b.N), "look-ms")
	b.ReportMetric(float64(wall[0])/float64(wall[1]), "x/tar")
	b.ReportMetric(float64(cpus[0])/float64(cpus[1]), "cpu-x/tar")
}

// lookFor looks into an archive and adds up the sizes of what is wanted.
func lookFor(ctx context.Context, f *os.File, wanted map[string]bool) (int, error) {
	v, err := Look(ctx, f, func(name string) bool { return wanted[name] })
	if err != nil {
		return 0, err
	}
	sum := 0
	for name := range wanted {
		file, err := v.Read(name)
		if err != nil {
			return 0, err
		}
		sum += file.Size()
	}
	return sum, nil
}
