package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"srcmend/internal/diagnosis"
	"srcmend/internal/report"
	"srcmend/internal/signature"
)

// beside reads the logs that configure, cmake and meson leave, when a log tells of them:
// those that it names, and those of that name where such programs put them. Only files below
// dir are read, for a log is a stranger's, and none from before since.
func beside(cat *signature.Catalogue, scan signature.Scan, d diagnosis.Diagnosis, dir string, since time.Time) (all []report.Beside) {
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return nil
	}
	var seen []string
	for _, mention := range scan.Logs {
		if !tells(d, mention) {
			continue
		}
		for _, file := range besides(scan, root, mention.Name) {
			file, err := filepath.EvalSymlinks(file)
			if err != nil || slices.Contains(seen, file) {
				continue
			}
			seen = append(seen, file)
			rel, err := filepath.Rel(root, file)
			if err != nil || !filepath.IsLocal(rel) {
				continue
			}
			if f, ok := besideFinding(cat, file, since); ok && d.Explains(f) {
				all = append(all, report.Beside{Log: filepath.Join(dir, rel), Finding: f})
			}
		}
	}
	return all
}

// tells reports whether a log is mentioned as what tells more about the root cause: soon
// after it.
func tells(d diagnosis.Diagnosis, m signature.Mention) bool {
	if d.Outcome != diagnosis.Failed {
		return d.Outcome == diagnosis.Unknown
	}
	const soon = 60
	after := m.LogLine - d.Findings[0].LogLine
	return after >= 0 && after < soon
}

// besides lists where a log of that name may be.
func besides(scan signature.Scan, root, name string) []string {
	if filepath.IsAbs(name) {
		return []string{name}
	}
	base := filepath.Base(name)
	var all []string
	for _, dir := range append([]string{root}, scan.Folders...) {
		all = append(all, filepath.Join(dir, name))
		for _, below := range []string{"", "build", "_build", "builddir"} {
			for _, place := range []string{"", "CMakeFiles", "meson-logs"} {
				all = append(all, filepath.Join(dir, below, place, base))
			}
		}
	}
	return all
}

// coarse is how far back the time of a file may lie from when it was written: some file
// systems only count seconds by two.
const coarse = 2 * time.Second

// besideFinding is what such a log tells.
func besideFinding(cat *signature.Catalogue, file string, since time.Time) (f diagnosis.Finding, found bool) {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(since.Add(-coarse)) {
		return f, false
	}
	log, err := os.Open(file)
	if err != nil {
		return f, false
	}
	defer log.Close()
	scan, err := cat.Scan(log)
	if err != nil {
		return f, false
	}
	return diagnosis.Beside(scan)
}
