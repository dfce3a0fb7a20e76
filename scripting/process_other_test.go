//go:build !linux

package scripting

import (
	"errors"
	"time"
)

func stuckParent() error { return errors.New("only for Linux") }

func idleParent() error { return stuckParent() }

func cpuTime() time.Duration { return 0 }

func cpuTimeOf(int) time.Duration { return 0 }
