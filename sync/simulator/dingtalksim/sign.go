package dingtalksim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// signWindow is how far a signed timestamp may lie from the platform's clock.
const signWindow = time.Hour

// signature signs a timestamp (milliseconds as decimal text) the way that both
// the robot's HTTP callback and a signed group robot do: the key is the
// secret, the message is the timestamp, a newline and the secret once more. It
// is plain Base64; in a URL it must be escaped once.
func signature(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// millis is the platform's way to write a time.
func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// fresh tells whether a timestamp in milliseconds lies within the window.
func fresh(timestamp string, now time.Time) bool {
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	return now.Sub(time.UnixMilli(ms)).Abs() <= signWindow
}
