package sqltable

import (
	"errors"
	"strconv"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The primary codes of SQLite that more than the table asks for.
const (
	sqliteBusy       = 5
	sqliteFull       = 13
	sqliteConstraint = 19
)

// meaning is what a database's code means for us.
type meaning struct {
	kind   fault.Kind
	en, zh string
	names  bool // the column or constraint is named beside it
	quotes bool // the database's own words are shown: they quote the statement and never a value
}

// The meanings that several codes share.
var (
	taken      = meaning{fault.Conflict, "a value that must be unique is taken: look who has it", "必须唯一的值已被占用：请查看是谁在用", true, false}
	dangling   = meaning{fault.Invalid, "the row refers to one that is not there: create that one first", "这一行引用的行不存在：请先创建它", true, false}
	referred   = meaning{fault.Conflict, "other rows refer to this one: remove the references first", "还有别的行引用着它：请先解除引用", true, false}
	foreign    = meaning{fault.Conflict, "a foreign key does not allow it: the row refers to one that is not there, or others refer to it", "外键不允许：它引用的行不存在，或还有别的行引用着它", true, false}
	needed     = meaning{fault.Invalid, "a column that must not be empty gets nothing: map a value to it", "不能为空的列没有值：请在映射里给它一个值", true, false}
	tooLong    = meaning{fault.Invalid, "a value is too long for its column: shorten it, or widen the column", "值超过了列的长度：请缩短，或加宽这一列", true, false}
	misfit     = meaning{fault.Invalid, "a value does not fit its column's type: correct the mapping or the type under attributes", "值不符合列的类型：请改正映射，或 attributes 里的类型", true, false}
	checked    = meaning{fault.Invalid, "a check of the database refuses the value: correct it", "数据库的检查约束拒绝了这个值：请改正", true, false}
	ownRule    = meaning{fault.Invalid, "a trigger or rule of the database refuses the change: ask who runs the database", "数据库的触发器或规则拒绝了变更：请询问数据库管理员", true, false}
	wrongSQL   = meaning{fault.Invalid, "the database does not understand the statement, correct it", "数据库不认识这条语句，请改正", false, true}
	noDatabase = meaning{fault.Invalid, "there is no such database: correct url", "没有这个数据库：请改正 url", false, false}
	badLogin   = meaning{fault.Credential, "the database refuses user or password: correct url", "数据库拒绝了用户名或密码：请改正 url", false, false}
	badHost    = meaning{fault.Credential, "the database does not let this user in from here: allow the address or the encryption on the server", "数据库不允许该用户从这里登录：请在服务器上放行地址或加密方式", false, false}
	noRight    = meaning{fault.Credential, "the user lacks a right for this statement: GRANT it; for PostgreSQL's row policies, BYPASSRLS", "该用户没有执行这条语句的权限：请 GRANT；PostgreSQL 启用行级策略时需要 BYPASSRLS", false, false}
	readOnly   = meaning{fault.Credential, "the database is read only for us: connect to the primary, or give the right to write", "数据库对我们是只读的：请连接主库，或授予写权限", false, false}
	collided   = meaning{fault.Limited, "another transaction stood in the way: trying again later helps", "与其他事务冲突：稍后再试即可", false, false}
	crowded    = meaning{fault.Limited, "the database has too many connections: trying again later helps", "数据库连接数已满：稍后再试", false, false}
	stopped    = meaning{fault.Unavailable, "the database ended the statement: it took too long, or the server is going down", "数据库中止了语句：耗时太长，或服务器正在关闭", false, false}
	ailing     = meaning{fault.Unavailable, "the database is in trouble (disk, memory or an error of its own): look at its log", "数据库自身出了问题（磁盘、内存或内部错误）：请查看它的日志", false, false}
	noFile     = meaning{fault.Unavailable, "the file cannot be opened: does it exist, and may Rollcall read and write it and its folder?", "打不开数据库文件：文件是否存在？点名能否读写它和所在目录？", false, false}
	notSQLite  = meaning{fault.Invalid, "the file is no SQLite database, or is encrypted or damaged", "文件不是 SQLite 数据库，或已加密、损坏", false, false}
)

// meaningOf looks a driver's error up.
func meaningOf(err error) (meaning, bool) {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return meaningOfState(e.Code)
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		if m, known := mysqlCodes[e.Number]; known {
			return m, true
		}
		if len(e.SQLState) == len("00000") && e.SQLState[0] != 0 && e.SQLState != [5]byte{'H', 'Y', '0', '0', '0'} {
			return meaningOfState(string(e.SQLState[:]))
		}
		return meaning{kind: fault.Invalid, en: "MySQL refuses it with code " + strconv.Itoa(int(e.Number)), zh: "MySQL 拒绝了，错误码 " + strconv.Itoa(int(e.Number))}, true
	}
	if e, ok := errors.AsType[sqliteError](err); ok {
		if m, known := sqliteCodes[e.Code()]; known {
			return m, true
		}
		m, known := sqliteCodes[e.Code()&0xff]
		return m, known
	}
	return meaning{}, false
}

// meaningOfState looks an SQLSTATE up, by itself or by its class.
func meaningOfState(state string) (meaning, bool) {
	if m, known := states[state]; known {
		return m, true
	}
	if len(state) < 2 {
		return meaning{}, false
	}
	m, known := stateClasses[state[:2]]
	return m, known
}

// states are SQLSTATEs as PostgreSQL's manual lists them (appendix A).
var states = map[string]meaning{
	"23505": taken, "23P01": taken, "23503": foreign, "23001": referred, "23502": needed, "23514": checked, "44000": checked,
	"22001": tooLong, "22P02": misfit, "22003": misfit, "22007": misfit, "22008": misfit, "22021": misfit, "22P03": misfit,
	"P0001": ownRule, "42501": noRight, "28000": badHost, "28P01": badLogin, "3D000": noDatabase,
	"25006": readOnly, "40001": collided, "40P01": collided, "55P03": collided, "53300": crowded, "57014": stopped,
}

var stateClasses = map[string]meaning{
	"08": stopped, "0A": wrongSQL, "22": misfit, "23": checked, "25": ailing, "26": ailing, "27": ownRule, "28": badLogin, "3D": noDatabase,
	"3F": wrongSQL, "40": collided, "42": wrongSQL, "53": ailing, "54": wrongSQL, "55": collided, "57": stopped, "58": ailing,
	"P0": ownRule, "XX": ailing,
}

// mysqlCodes are the numbers of MySQL and MariaDB (server error references).
var mysqlCodes = map[uint16]meaning{
	1062: taken, 1586: taken, 1022: taken, 1451: referred, 1217: referred, 1452: dangling, 1216: dangling,
	1048: needed, 1364: needed, 1263: needed, 1406: tooLong, 1264: misfit, 1265: misfit, 1366: misfit, 1292: misfit, 1367: misfit, 1690: misfit,
	3819: checked, 4025: checked, 1369: checked, 1644: ownRule, 1442: ownRule,
	1064: wrongSQL, 1146: wrongSQL, 1054: wrongSQL, 1060: wrongSQL, 1052: wrongSQL, 1136: wrongSQL, 1305: wrongSQL, 1055: wrongSQL, 1210: wrongSQL,
	1049: noDatabase, 1045: badLogin, 1698: badLogin, 1820: badLogin, 1862: badLogin, 3118: badLogin, 4151: badLogin, 1524: badLogin,
	1130: badHost, 1129: badHost, 3159: badHost, 1044: noRight, 1142: noRight, 1143: noRight, 1227: noRight, 1370: noRight,
	1290: readOnly, 1792: readOnly, 1836: readOnly, 1205: collided, 1213: collided, 1020: collided, 1412: collided,
	1040: crowded, 1203: crowded, 1226: crowded, 1053: stopped, 1152: stopped, 1317: stopped, 1927: stopped, 1969: stopped, 3024: stopped,
	1021: ailing, 1114: ailing, 1030: ailing, 1180: ailing, 1041: ailing, 1037: ailing, 1105: ailing, 3101: collided,
}

// sqliteCodes are SQLite's result codes, extended and primary
// (https://www.sqlite.org/rescode.html).
var sqliteCodes = map[int]meaning{
	2067: taken, 1555: taken, 2579: taken, 787: foreign, 1299: needed, 275: checked, 3091: misfit, 1811: ownRule, 19: checked,
	1: wrongSQL, 20: misfit, 25: misfit, 18: tooLong, 3: readOnly, 8: readOnly, 23: noRight, 5: collided, 6: collided, 9: stopped, 17: collided,
	14: noFile, 26: notSQLite, 11: notSQLite, 24: notSQLite, 7: ailing, 10: ailing, 13: ailing, 15: collided, 2: ailing,
}
