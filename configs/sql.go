package configs

// SQLSystem is a database with tables of people and departments.
type SQLSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=sql"`
	// URL is postgres://…, mysql://… or sqlite:FILE.
	URL Secret `yaml:"url" jsonschema:"required"`
	// Contents is full or partial. Partial never proves that somebody left.
	Contents string `yaml:"contents" jsonschema:"required,enum=full,enum=partial"`
	// Users and Departments are the statements of each kind. Departments may be
	// left out: there are none.
	Users       SQLTable  `yaml:"users" jsonschema:"required"`
	Departments *SQLTable `yaml:"departments"`
}

// SQLTable holds the statements of one kind. Values stand in them as parameters
// :name, and nowhere else.
type SQLTable struct {
	// Read gives a row for each object; each column is an attribute.
	Read string `yaml:"read" jsonschema:"required"`
	// One is Read for the object :id. Empty: Read with a condition around it.
	One string `yaml:"one"`
	// ID is the column that identifies an object.
	ID string `yaml:"id" jsonschema:"required"`
	// Create, Update, Disable, Enable and Delete write. An attribute that is not
	// changed comes with the value that it has. Empty: the database cannot.
	Create  string `yaml:"create"`
	Update  string `yaml:"update"`
	Disable string `yaml:"disable"`
	Enable  string `yaml:"enable"`
	Delete  string `yaml:"delete"`
	// Attributes declares columns that need a type or another name.
	Attributes Table[SQLColumn] `yaml:"attributes"`
}

// SQLColumn declares one attribute of a table.
type SQLColumn struct {
	// Name is the attribute.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// Column is the column of Read. Default: the name of the attribute.
	Column string `yaml:"column"`
	// Type is text (default), int, bool, date, list, users or departments: the
	// last three are texts with commas in between.
	Type string `yaml:"type" jsonschema:"enum=text,enum=int,enum=bool,enum=date,enum=list,enum=users,enum=departments,default=text"`
}
