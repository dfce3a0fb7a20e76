//go:build !linux

package scripting

import "errors"

func stuckParent() error { return errors.New("only for Linux") }
