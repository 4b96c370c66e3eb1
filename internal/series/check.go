package series

import (
	"errors"
	"fmt"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// Check asks the tree, not its record, which patches of the series it has. It
// changes nothing.
func Check(t *tree.Tree, list *Series) ([]Step, error) {
	steps := make([]Step, len(list.Entries))
	var patches []*patch.Patch
	var options []patch.Options
	var which []int
	for i, e := range list.Entries {
		steps[i].Name = e.Name
		text, err := list.Patch(e)
		if errors.Is(err, patch.ErrNothing) {
			steps[i].Verdict, steps[i].Why = patch.Present, "it changes no file"
			continue
		}
		if err != nil {
			return nil, err
		}
		steps[i].Repairs = text.Repairs
		patches, options, which = append(patches, text), append(options, Options{}.patch(e)), append(which, i)
	}
	verdicts, reports, err := patch.NewDraft(t).Verdicts(patches, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list.Name, err)
	}
	twins := map[string]string{}
	for n, i := range which {
		steps[i].Verdict, steps[i].Report = verdicts[n], reports[n]
		steps[i].Twin = twin(twins, patches[n], steps[i].Name)
	}
	return steps, nil
}

// twin notes the patch-ids of a patch, and names one before it with the same.
func twin(seen map[string]string, p *patch.Patch, name string) string {
	found := ""
	for _, id := range p.IDs() {
		if seen[id] != "" && found == "" {
			found = seen[id]
		} else if seen[id] == "" {
			seen[id] = name
		}
	}
	return found
}
