package dingtalksim

import "time"

// leaver is one line of the record of who left.
type leaver struct {
	user, name string
	at         time.Time
	reason     string
}
