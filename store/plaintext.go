package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPlain gives a pool whose connections send texts as PostgreSQL takes them: it
// knows no zero byte, and no text that is not UTF-8. What a platform or a system said
// may hold both, and must be remembered all the same.
func openPlain(cfg *pgx.ConnConfig, more stdlib.OptionOpenDB) *sql.DB {
	return sql.OpenDB(plainConnector{stdlib.GetConnector(*cfg, stdlib.OptionShouldPing(alwaysPing), more)})
}

// alwaysPing asks a pooled connection whether it is alive before it is used: after a
// restart or a failover none of them is, and a command must not fail for that.
func alwaysPing(context.Context, stdlib.ShouldPingParams) bool { return true }

type plainConnector struct{ driver.Connector }

// Connect makes a connection.
func (c plainConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	pg, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("connection of an unknown type %T", conn)
	}
	return plainConn{pg}, nil
}

type plainConn struct{ *stdlib.Conn }

var _ driver.NamedValueChecker = plainConn{}

// CheckNamedValue puts the replacement character in the place of what PostgreSQL
// refuses. Bytes go as they are.
func (plainConn) CheckNamedValue(v *driver.NamedValue) error {
	if text := reflect.ValueOf(v.Value); text.Kind() == reflect.String {
		v.Value = plainText(text.String())
	}
	return nil
}

func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
