// Package matrix proves that every system that Rollcall can read goes into every
// system that it can write: each source into each target, through the real engine
// and the real record, while people are hired, change, move, leave and return.
//
// It holds tests alone, and the tables of docs/systems that are made from all
// connectors together. It is not for what one connector does when things go wrong:
// that is tested beside the connector.
package matrix
