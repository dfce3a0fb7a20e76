//go:build race

package matrix

// raced: the race detector watches, and the record takes ten times as long.
const raced = true
