package feishusim

func contactRoutes() []route {
	const base = "/open-apis/contact/v3"
	read, write := readScopes(), []string{scopeWrite}
	return []route{
		{pattern: "GET " + base + "/scopes", name: "scope.list", rates: level4, scopes: read, serve: serveScopes},
		{pattern: "GET " + base + "/custom_attrs", name: "custom.list", rates: level4, scopes: []string{scopeBroad, scopeHistory}, serve: serveCustomFields},

		{pattern: "GET " + base + "/departments/{id}/children", name: "department.children", rates: level4, scopes: read, serve: serveChildren},
		{pattern: "GET " + base + "/departments/batch", name: "department.batch", rates: level4, scopes: read, serve: serveDepartmentBatch},
		{pattern: "GET " + base + "/departments/{id}", name: "department.get", rates: level4, scopes: read, serve: serveDepartment},
		{pattern: "POST " + base + "/departments", name: "department.create", rates: level4, scopes: write, serve: serveDepartmentCreate},
		{pattern: "PATCH " + base + "/departments/{id}", name: "department.patch", rates: level4, scopes: write, serve: serveDepartmentPatch},
		{pattern: "PUT " + base + "/departments/{id}", name: "department.put", rates: level4, scopes: write, serve: servePut},
		{pattern: "DELETE " + base + "/departments/{id}", name: "department.delete", rates: level4, scopes: write, serve: serveDepartmentDelete},
		{pattern: "PATCH " + base + "/departments/{id}/update_department_id", name: "department.rename", rates: level4, scopes: write, serve: serveDepartmentID},

		{pattern: "GET " + base + "/users/find_by_department", name: "user.list", rates: level4, scopes: read, serve: serveUsersOf},
		{pattern: "GET " + base + "/users", name: "user.loose", rates: level4, scopes: read, serve: serveLooseUsers},
		{pattern: "GET " + base + "/users/batch", name: "user.batch", rates: level4, scopes: append(read, scopeBase), serve: serveUserBatch},
		{pattern: "GET " + base + "/users/{id}", name: "user.get", rates: level4, scopes: append(read, scopeBase), serve: serveUser},
		{pattern: "POST " + base + "/users/batch_get_id", name: "user.find", rates: level4, scopes: []string{scopeGetID}, serve: serveGetID},
		{pattern: "POST " + base + "/users", name: "user.create", rates: level4, scopes: write, serve: serveUserCreate},
		{pattern: "PATCH " + base + "/users/{id}", name: "user.patch", rates: level4, scopes: append(write, scopeUserBase), serve: serveUserPatch},
		{pattern: "PUT " + base + "/users/{id}", name: "user.put", rates: level4, scopes: write, serve: servePut},
		{pattern: "DELETE " + base + "/users/{id}", name: "user.delete", rates: level4, scopes: write, serve: serveUserDelete},
		{pattern: "POST " + base + "/users/{id}/resurrect", name: "user.resurrect", rates: level1, scopes: write, serve: serveResurrect},
		{pattern: "PATCH " + base + "/users/{id}/update_user_id", name: "user.rename", rates: level4, scopes: write, serve: serveUserID},
	}
}

// servePut refuses the full replacements: a product that sends one would
// blank whatever it does not know.
func servePut(*call) (any, *refusal) {
	return nil, badField("method", "PUT replaces the whole object and is switched off in this tenant: use PATCH")
}
