package signature

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// TestSideBySide reads many logs at the same time: none finds what another one has, and what was
// found stays as it is.
func TestSideBySide(t *testing.T) {
	c := shipped(t)
	scan := func(i int) Scan {
		s, err := c.Scan(strings.NewReader(fmt.Sprintf("cc -c f%d.c\nf%d.c:%d:3: error: 'NAME%d' undeclared (first use in this function)\nmake: *** [Makefile:2: f%d.o] Error 1\n", i, i, i+1, i, i)))
		if err != nil {
			t.Error(err)
		}
		return s
	}
	all := make([]Scan, 200)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			for i := k; i < len(all); i += 4 {
				all[i] = scan(i)
			}
		})
	}
	wg.Wait()
	for i, s := range all {
		if want := scan(i); !reflect.DeepEqual(s, want) {
			t.Errorf("log %d: %+v, want %+v", i, s, want)
		}
	}
}
