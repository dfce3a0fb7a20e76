// Package sdktest checks the pretend tenant against the vendor's own SDK. It
// holds tests only and stands apart from feishusim because the SDK's long
// connection costs about a minute to compile.
package sdktest
