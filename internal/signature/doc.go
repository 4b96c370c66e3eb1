// Package signature knows the errors that builds fail with: the catalogue of
// signatures, and the matcher that finds them in a build's log.
//
// A signature is data: patterns over single lines of a log, what they capture
// (file, line, symbol), the cause in a sentence and what may be done about
// it. Each carries its proof: lines that it must match and near misses that
// it must not.
//
//	cat, err := signature.Load(signature.Layer{Name: "signatures", Files: files})
//	scan, err := cat.Scan(log)
//	for _, m := range scan.Matches {
//		fmt.Println(m.LogLine, m.Signature.ID, m.File, m.Line, m.Symbol)
//	}
//
// Reading a log takes one pass, and memory that does not grow with it: of each
// signature the first matches are kept and the last.
//
// It names errors that it knows and says nothing about others; it does not
// guess, and it does not change anything.
package signature
