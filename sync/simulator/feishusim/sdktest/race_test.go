//go:build race

package sdktest

// raced tells that the race detector runs. The vendor's client puts the frames of
// a split event together in several goroutines that do not wait for each other: an
// event may be lost there, is then not acknowledged, and comes again.
const raced = true
