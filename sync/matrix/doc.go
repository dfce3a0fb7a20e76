// Package matrix proves that every system that Rollcall can read goes into every
// system that it can write: each source into each target, through the real engine
// and the real record, while people are hired, change, move, leave and return. It also
// proves what comes of a source that fails, lies or changes while it is read: nobody
// loses an account for it (source_*_test.go, the rows S01 to S13 of docs/reliability.md).
//
// It holds tests alone, and the tables of docs/systems that are made from all
// connectors together. It is not for what one connector does when a write goes wrong:
// that is tested beside the connector.
package matrix
