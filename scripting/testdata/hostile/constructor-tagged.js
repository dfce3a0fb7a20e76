// want: threw: TypeError: code from text
// tries: Function by a template function
(function (s) { return s }).constructor`return 1`()
