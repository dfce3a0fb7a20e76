//go:build race

package engine_test

// raced tells that the race detector runs: everything takes ten times as long.
const raced = true
