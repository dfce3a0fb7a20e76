//go:build !race

package longconn

const raced = false
