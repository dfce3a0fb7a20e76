package scripting

import "strings"

// closest gives the candidate that a name was probably meant to be.
func closest(name string, candidates []string) (string, bool) {
	fold := func(s string) []rune {
		return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)))
	}
	given := fold(clean(name, 60))
	most := 0 // changed letters; two letters that changed places are one
	switch n := len(given); {
	case n > 8:
		most = 3
	case n > 4:
		most = 2
	case n > 1:
		most = 1
	}
	best, least := "", most+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := apart(given, fold(c)); d < least && d < len(given) {
			best, least = c, d
		}
	}
	return best, best != ""
}

// apart counts the letters that must be put in, taken out, replaced or swapped with
// their neighbour to make b of a.
func apart(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
