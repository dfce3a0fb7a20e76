//go:build !linux || !(amd64 || arm64)

package main

// unsyncable is why no disk can be made to refuse here; "" where one can.
const unsyncable = "NOT RUN: only Linux on amd64 and arm64 has the filter of system calls with which a disk is made to refuse"

func loseSyncs() {}
