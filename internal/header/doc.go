// Package header knows which header declares a name, and puts the #include of one into a
// source where a person would put it.
//
// The table is data: families of names (of ISO C, POSIX, Linux, the BSDs, C++) with the
// headers that declare them, the libraries that have them, and what stands for a header that
// a system lacks. Where a C library shows a name only to who asks for it, the table says
// which macro asks.
//
//	table, err := header.Load(header.Layer{Name: "headers", Files: files})
//	all := table.Declaring("SIGKILL", header.C, "linux")
//	out, at, err := header.Include(src, all[0].Header, 37) // SIGKILL is used on line 37
//
// A source is text, and is read as the preprocessor reads it: comments, literals, continued
// lines and conditionals are seen, macros are not expanded. What is returned is the source
// with lines added; every other byte is as it was, whatever its encoding and line endings.
//
// It does not compile anything and does not know whether an #include helps: who asks tries
// it. It never removes or moves a line.
package header
