//go:build !unix

package main

// stopSelf kills where a process cannot be told to stand still.
func stopSelf() { killSelf() }
