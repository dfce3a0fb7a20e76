package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

//go:embed migrations/*.sql
var migrations embed.FS

func (s *Store) provider(files fs.FS) (*goose.Provider, error) {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if s.postgres {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, s.writer, sub,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(s.logger))
}

// settle sets an empty database up and refuses one from the future.
func (s *Store) settle(ctx context.Context) error {
	have, want, err := s.Version(ctx)
	if err == nil && have > 0 && have < want && !s.asIs {
		// Another process may be setting it up just now: what it is in the end, shows
		// once that one is done.
		err = s.alone(ctx, func() (err error) { have, want, err = s.Version(ctx); return err })
	}
	switch {
	case err != nil:
		return err
	case have > want:
		return tooNew(have, want)
	case s.asIs && have > 0:
		return nil
	case have == 0, have == want: // whoever set it up may have died before the end
		return s.Migrate(ctx)
	case have >= chainVersion:
		return s.sealAudit(ctx)
	default:
		return nil
	}
}

func tooNew(have, want int64) error {
	return fault.New(fault.Unsupported,
		"the database has version %d, this program knows %d: use the newer program / 数据库版本是 %d，本程序只认识 %d，请使用更新的程序", have, want, have, want)
}

// Version gives the version that the database has, and the one that this
// binary wants.
func (s *Store) Version(ctx context.Context) (have, want int64, err error) {
	p, err := s.provider(migrations)
	if err != nil {
		return 0, 0, s.fail("read migrations", err)
	}
	have, want, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, s.fail("read database version", err)
	}
	return have, want, nil
}

// Migrate brings the database to the version that this binary wants. Faults:
// Unsupported when it is newer, Conflict while a worker holds a flow: changing
// the record under a running apply is not safe.
func (s *Store) Migrate(ctx context.Context) error { return s.migrate(ctx, migrations) }

func (s *Store) migrate(ctx context.Context, files fs.FS) error {
	if err := s.alone(ctx, func() error { return s.migrateAlone(ctx, files) }); err != nil {
		return err
	}
	if have, _, err := s.Version(ctx); err != nil || have < chainVersion {
		return err
	}
	return s.sealAudit(ctx)
}

func (s *Store) migrateAlone(ctx context.Context, files fs.FS) error {
	p, err := s.provider(files)
	if err != nil {
		return s.fail("read migrations", err)
	}
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return s.fail("read database version", err)
	case have > want:
		return tooNew(have, want)
	case have == want:
		return s.plainOrder(ctx)
	case have == 0:
		return s.up(ctx, p)
	default: // nobody may begin to work after the look
		return s.unwritten(ctx, func() error {
			if err := s.refuseWhileWorking(ctx); err != nil {
				return err
			}
			return s.up(ctx, p)
		})
	}
}

func (s *Store) up(ctx context.Context, p *goose.Provider) error {
	if _, err := p.Up(ctx); err != nil {
		return s.fail("migrate database", err)
	}
	return s.plainOrder(ctx)
}

func (s *Store) refuseWhileWorking(ctx context.Context) error {
	var flow string
	err := s.writer.QueryRowContext(ctx, `SELECT flow FROM leases WHERE until > `+s.clock(s.now())+` AND flow NOT LIKE $1 ORDER BY flow LIMIT 1`,
		run.WatchPrefix+"%").Scan(&flow)
	if err == sql.ErrNoRows {
		return nil
	}
	if err != nil {
		return s.fail("read leases", err)
	}
	return fault.New(fault.Conflict,
		"flow %s is at work; stop it before the database is upgraded / 流程 %s 正在运行，请先停止再升级数据库", flow, flow)
}
