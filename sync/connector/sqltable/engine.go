package sqltable

import (
	"database/sql/driver"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// engine is one kind of database, and how ours is reached.
type engine struct {
	name      string // "PostgreSQL"
	kind      engineKind
	grammar   grammar
	connector driver.Connector
	tenant    string // where it is, without a secret
	user      string
	// beginRead and beginWrite are what begins a transaction.
	beginRead, beginWrite []string
	settle                time.Duration
	// zone is what the server tells the time of a TIMESTAMP in; nil where values
	// come with their zone.
	zone *time.Location
}

type engineKind uint8

const (
	postgres engineKind = iota
	mariadb             // and MySQL
	lite                // SQLite
)

// quote writes an identifier. In SQLite "…" would turn into a text when there is
// no such column.
func (e *engine) quote(name string) string {
	q := "`"
	if e.kind == postgres {
		q = `"`
	}
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// placeholder is the first parameter.
func (e *engine) placeholder() string {
	if e.grammar.numbered {
		return "$1"
	}
	return "?"
}

// sameID is the condition that a column holds the id that is bound. It never
// fails to find the one that is there; it may find others beside it, which differ
// by case or trailing blanks. A number in SQLite does not equal a text.
func (e *engine) sameID(column string) string {
	if e.kind == lite {
		return "CAST(t." + e.quote(column) + " AS TEXT) = " + e.placeholder()
	}
	return "t." + e.quote(column) + " = " + e.placeholder()
}

// exactID is a column so that different ids are different: MySQL holds a and A
// for the same.
func (e *engine) exactID(column string) string {
	if e.kind == mariadb {
		return "CAST(t." + e.quote(column) + " AS BINARY)"
	}
	return "t." + e.quote(column)
}

// fits tells whether an id can stand in a column of a type at all. PostgreSQL
// would refuse the question for a text where numbers are.
func (e *engine) fits(db string, id directory.ID) bool {
	bits := map[string]int{"INT2": 16, "INT4": 32, "INT8": 64}[db]
	if e.kind != postgres || bits == 0 {
		return true
	}
	_, err := strconv.ParseInt(string(id), 10, bits)
	return err == nil
}

// fold gives an id as the engine compares it: MySQL's usual collations know
// neither case nor blanks at the end.
func (e *engine) fold(id directory.ID) directory.ID {
	if e.kind != mariadb {
		return id
	}
	return directory.ID(strings.ToLower(strings.TrimRight(string(id), " ")))
}

// dial chooses by the scheme of the URL. The URL is never part of an error.
func (c *Connector) dial() (engine, error) {
	scheme, _, _ := strings.Cut(c.o.URL, ":")
	switch strings.ToLower(scheme) {
	case "postgres", "postgresql":
		return c.dialPostgres()
	case "mysql", "mariadb":
		return c.dialMySQL()
	case "sqlite":
		return c.dialSQLite()
	default:
		return engine{}, fault.New(fault.Invalid, "url must begin with postgres://, mysql:// or sqlite: / url 要以 postgres://、mysql:// 或 sqlite: 开头")
	}
}

func badURL(name string) error {
	return fault.New(fault.Invalid, "url cannot be read as an address of %s: write special characters of the password as %%XX / url 不是有效的 %s 地址：密码里的特殊字符要写成 %%XX", name, name)
}

func (c *Connector) dialPostgres() (engine, error) {
	e := engine{
		name: "PostgreSQL", kind: postgres, settle: 10 * time.Second,
		grammar: grammar{dollar: true, placeholders: "$", numbered: true},
	}
	cfg, err := pgx.ParseConfig(c.o.URL)
	if err != nil {
		return e, badURL(e.name)
	}
	// The statement's parameters are described by the server, so that texts fit
	// any type; no prepared statement outlives its transaction, which poolers need.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "rollcall"
	}
	e.connector = stdlib.GetConnector(*cfg)
	e.tenant = net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	e.user = cfg.User
	settings := fmt.Sprintf("SELECT set_config('statement_timeout', '%d', true)", c.o.CallTimeout.Milliseconds())
	session := "SELECT set_config('extra_float_digits', '1', true)"
	if name := c.o.Zone.String(); name != "Local" && name != "" && !strings.ContainsAny(name, `'\`) {
		session += ", set_config('TimeZone', '" + name + "', true)"
	}
	if !c.partial {
		// Without it a policy hides rows silently, and whom it hides would pass for
		// gone. With it the query fails.
		session += ", set_config('row_security', 'off', true)"
	}
	e.beginRead = []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", session}
	e.beginWrite = []string{"BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE", session, settings}
	return e, nil
}

func (c *Connector) dialMySQL() (engine, error) {
	e := engine{
		name: "MySQL", kind: mariadb, settle: 10 * time.Second,
		grammar: grammar{backslash: true, identifiers: "`", placeholders: "?"},
	}
	u, err := url.Parse(c.o.URL)
	if err != nil || u.Opaque != "" || strings.Trim(u.Path, "/") == "" {
		return e, badURL(e.name)
	}
	query := u.Query()
	address := "unix(" + query.Get("socket") + ")"
	switch {
	case query.Get("socket") != "":
		query.Del("socket")
	case u.Port() == "":
		address = "tcp(" + net.JoinHostPort(u.Hostname(), "3306") + ")"
	default:
		address = "tcp(" + u.Host + ")"
	}
	cfg, err := mysql.ParseDSN(address + "/" + url.PathEscape(strings.Trim(u.Path, "/")) + "?" + query.Encode())
	if err != nil || cfg.MultiStatements || cfg.AllowAllFiles || cfg.InterpolateParams {
		return e, badURL(e.name)
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	// Rows that are found count, not only those that are changed by it.
	cfg.ClientFoundRows, cfg.ParseTime = true, false
	cfg.Logger = &mysql.NopLogger{}
	if cfg.Timeout == 0 {
		cfg.Timeout = connectTimeout
	}
	var offset string
	e.zone, offset = fixedOffset(c.o.Zone, c.o.Now())
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'" + offset + "'"
	// Values that do not fit are refused and not cut; \ and " mean what the lexer
	// takes them for.
	cfg.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
	// GROUP_CONCAT cuts what is longer, 1024 bytes by default, without an error. A cell
	// of this size is refused.
	cfg.Params["group_concat_max_len"] = strconv.Itoa(4 * maxCell)
	if e.connector, err = mysql.NewConnector(cfg); err != nil {
		return e, badURL(e.name)
	}
	e.tenant, e.user = cfg.Addr+"/"+cfg.DBName, cfg.User
	e.beginRead = []string{
		"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
	}
	e.beginWrite = []string{
		fmt.Sprintf("SET SESSION innodb_lock_wait_timeout = %d", max(1, int(c.o.CallTimeout.Seconds()/2))),
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION READ WRITE",
	}
	return e, nil
}

// fixedOffset gives the zone of a session of MySQL: a server need not know the
// names of zones. In a zone with summer time it is UTC.
func fixedOffset(zone *time.Location, now time.Time) (*time.Location, string) {
	_, january := time.Date(now.Year(), 1, 1, 12, 0, 0, 0, zone).Zone()
	_, july := time.Date(now.Year(), 7, 1, 12, 0, 0, 0, zone).Zone()
	if january != july {
		return time.UTC, "+00:00"
	}
	sign, minutes := '+', january/60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return time.FixedZone("", january), fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60)
}

func (c *Connector) dialSQLite() (engine, error) {
	e := engine{
		name: "SQLite", kind: lite, settle: time.Second,
		grammar: grammar{identifiers: "`[", placeholders: "?@$"},
	}
	path := c.o.URL[len("sqlite:"):]
	if strings.HasPrefix(path, "///") {
		path = path[2:] // sqlite:///var/lib/hr.db
	}
	if path == "" || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "?\x00") {
		return e, badURL(e.name)
	}
	mode := "ro"
	for _, t := range []*Table{&c.o.Users, c.o.Departments} {
		if t != nil && t.Create+t.Update+t.Disable+t.Enable+t.Delete != "" {
			mode = "rw"
		}
	}
	// Without a mode a file that is missing would be made, and be empty.
	query := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(2000)", "foreign_keys(1)"}}
	var err error
	if e.connector, err = sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()); err != nil {
		return e, badURL(e.name)
	}
	e.tenant = path
	e.beginRead = []string{"PRAGMA query_only = 1", "BEGIN"}
	e.beginWrite = []string{"PRAGMA query_only = 0", "BEGIN IMMEDIATE"}
	return e, nil
}
