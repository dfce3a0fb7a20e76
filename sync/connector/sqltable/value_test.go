package sqltable

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestDates(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("CST", 8*3600)
	for in, want := range map[string]string{
		"2026-01-31": "2026-01-31", "2026/1/31": "2026-01-31", "2026.1.31": "2026-01-31", "20260131": "2026-01-31",
		"2026-01-31 09:05:06": "2026-01-31T09:05:06", "2026-01-31T09:05:06.789": "2026-01-31T09:05:06", "2026-01-31 09:05": "2026-01-31T09:05:00",
		"2026-01-31 00:00:00": "2026-01-31", "2026-01-31T23:00:00Z": "2026-02-01T07:00:00", "2026-01-31 09:00:00+00": "2026-01-31T17:00:00",
		"2026-01-31T09:00:00-05:00": "2026-01-31T22:00:00", "0000-00-00": "", "0000-00-00 00:00:00": "", " ": "",
		"2026-02-30": "!", "infinity": "!", "31.01.2026": "!", "2026": "!", "soon": "!", "2024-05-00": "!",
	} {
		v, why := (reader{zone: shanghai}).value(field{typ: directory.Date}, "TEXT", in)
		if want == "!" {
			if why == nil {
				t.Errorf("%q passes for %s", in, v)
			}
			continue
		}
		if why != nil || v.String() != want || v.Type() != directory.Date {
			t.Errorf("%q is %s %v, want %s", in, v, why, want)
		}
	}
	mysqls := reader{zone: shanghai, server: time.UTC}
	if v, _ := mysqls.value(field{typ: directory.Date}, "TIMESTAMP", []byte("2026-01-31 23:00:00")); v.String() != "2026-02-01T07:00:00" {
		t.Errorf("a timestamp of a session in UTC is %s", v)
	}
	if v, _ := mysqls.value(field{typ: directory.Date}, "DATETIME", []byte("2026-01-31 23:00:00")); v.String() != "2026-01-31T23:00:00" {
		t.Errorf("a datetime is %s", v)
	}
	zoned := time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)
	if v, _ := mysqls.value(field{typ: directory.Date}, "TIMESTAMPTZ", zoned); v.String() != "2026-02-01T07:00:00" {
		t.Errorf("a timestamptz is %s", v)
	}
	if v, _ := (reader{zone: shanghai}).value(field{typ: directory.Date}, "TIMESTAMP", zoned); v.String() != "2026-01-31T23:00:00" {
		t.Errorf("a timestamp without zone is %s", v)
	}
	if _, why := mysqls.value(field{typ: directory.Date}, "INTEGER", int64(1)); why == nil {
		t.Error("a number passes for a date")
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	refs := field{typ: directory.Refs, ref: directory.Department}
	single := field{typ: directory.Refs, ref: directory.User, single: true}
	for _, one := range []struct {
		f    field
		db   string
		raw  any
		want string
	}{
		{field{typ: directory.Text}, "TEXT", "甲", "甲"},
		{field{typ: directory.Text}, "TEXT", "a\xff", "!"},
		{field{typ: directory.Text}, "TEXT", string(make([]byte, maxCell+1)), "!"},
		{field{typ: directory.Text}, "BLOB", make([]byte, maxCell+1), "!"},
		{field{typ: directory.Text}, "NUMERIC", "10.00", "10"},
		{field{typ: directory.Text}, "NUMERIC", "-0.0", "0"},
		{field{typ: directory.Text}, "NUMERIC", "100", "100"},
		{field{typ: directory.Text}, "TEXT", "10.00", "10.00"},
		{field{typ: directory.Text}, "REAL", 1e21, "1000000000000000000000"},
		{field{typ: directory.Text}, "FLOAT4", float64(float32(0.1)), "0.1"},
		{field{typ: directory.Text}, "FLOAT", float32(0.1), "0.1"},
		{field{typ: directory.Text}, "BIT", []byte{1, 0}, "256"},
		{field{typ: directory.Text}, "BPCHAR", "ab  ", "ab"},
		{field{typ: directory.Text}, "UNSIGNED BIGINT", uint64(1<<64 - 1), "18446744073709551615"},
		{field{typ: directory.Text}, "X", struct{}{}, "!"},
		{field{typ: directory.Int}, "TEXT", " 12 ", "12"},
		{field{typ: directory.Int}, "REAL", 12.0, "12"},
		{field{typ: directory.Int}, "REAL", 12.5, "!"},
		{field{typ: directory.Int}, "TEXT", "x", "!"},
		{field{typ: directory.Bool}, "TINYINT", int64(1), "true"},
		{field{typ: directory.Bool}, "BOOL", false, "false"},
		{field{typ: directory.Bool}, "TEXT", "在职", "true"},
		{field{typ: directory.Bool}, "TEXT", "No", "false"},
		{field{typ: directory.Bool}, "TEXT", "2", "!"},
		{field{typ: directory.Bool}, "BIT", []byte{1}, "true"},
		{refs, "TEXT", "2, 1,,2", "department:2, department:1"},
		{refs, "INT", int64(7), "department:7"},
		{refs, "TEXT", "", ""},
		{single, "TEXT", "u1", "user:u1"},
		{single, "TEXT", "u1,u2", "!"},
		{field{typ: directory.List}, "TEXT", "a, b", "a, b"},
	} {
		v, why := (reader{zone: time.UTC}).value(one.f, one.db, one.raw)
		if one.want == "!" {
			if why == nil {
				t.Errorf("%s %v passes for %s", one.db, one.raw, v)
			}
			continue
		}
		if why != nil || v.String() != one.want || v.Type() != one.f.typ {
			t.Errorf("%s %v is %s %q (%v), want %q", one.db, one.raw, v.Type(), v, why, one.want)
		}
	}
}

func TestFixedOffset(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{"Asia/Shanghai": "+08:00", "Europe/Berlin": "+00:00", "America/Bogota": "-05:00", "Asia/Kolkata": "+05:30", "UTC": "+00:00"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skipf("NOT RUN: no zones here: %v", err)
		}
		if _, got := fixedOffset(zone, now); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
