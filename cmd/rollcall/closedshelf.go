package main

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// closedShelf stands in for the record where nothing is opened: a configuration is
// checked without it.
type closedShelf struct{}

var _ scimserver.Shelf = closedShelf{}

func (closedShelf) closed() error {
	return fault.New(fault.Unavailable, "what was pushed is in the record, which is not open / 推送的数据在数据库里，数据库没有打开")
}

// ShelfItem gives Unavailable.
func (s closedShelf) ShelfItem(context.Context, shelf.Ref) (shelf.Item, error) {
	return shelf.Item{}, s.closed()
}

// ShelfItems gives Unavailable.
func (s closedShelf) ShelfItems(context.Context, shelf.Query) ([]shelf.Item, error) {
	return nil, s.closed()
}

// ShelfCount gives Unavailable.
func (s closedShelf) ShelfCount(context.Context, shelf.Query) (int, error) { return 0, s.closed() }

// AddShelfItem gives Unavailable.
func (s closedShelf) AddShelfItem(context.Context, shelf.Item) (shelf.Item, error) {
	return shelf.Item{}, s.closed()
}

// UpdateShelfItem gives Unavailable.
func (s closedShelf) UpdateShelfItem(context.Context, shelf.Ref, func(shelf.Item) (shelf.Item, error)) (shelf.Item, error) {
	return shelf.Item{}, s.closed()
}

// RemoveShelfItem gives Unavailable.
func (s closedShelf) RemoveShelfItem(context.Context, shelf.Ref, func(shelf.Item) error) error {
	return s.closed()
}

// ShelfState gives Unavailable.
func (s closedShelf) ShelfState(context.Context, string) (shelf.State, error) {
	return shelf.State{}, s.closed()
}
