package wecomsim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// staff is a corp with three departments and two members: amy has logged in,
// ben has not.
func staff(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	b := setup(t, change)
	for id, name := range map[int64]string{2: "研发", 3: "市场", 4: "财务"} {
		b.addDepartment(Department{ID: id, Name: name})
	}
	b.addUser(User{
		ID: "Amy", Name: "艾米", Mobile: "13800000001", Email: "amy@example.com", BizMail: "amy@corp.example.com",
		Departments: []int64{2, 3}, Order: []int64{7, 8}, IsLeader: []int{1, 0}, Position: "CTO",
		Texts: map[string]string{"工号": "001"},
	})
	b.addUser(User{ID: "ben", Mobile: "13800000002", Departments: []int64{2}, Status: StatusPending, DirectLeaders: []string{"Amy"}})
	return b
}

// object gives a JSON object: base with changes over it; nil removes a field.
func object(base, changes map[string]any) string {
	merged := map[string]any{}
	for _, m := range []map[string]any{base, changes} {
		for name, value := range m {
			if value == nil {
				delete(merged, name)
			} else {
				merged[name] = value
			}
		}
	}
	return string(encode(merged))
}

type fields = map[string]any

func TestUserCreate(t *testing.T) {
	t.Parallel()
	base := fields{"userid": "eve", "name": "伊芙", "department": []int{2}, "mobile": "13800000009", "to_invite": false}
	many := make([]int, 101)
	for i := range many {
		many[i] = i + 1
	}
	for name, c := range map[string]struct {
		changes fields
		want    int
	}{
		"plain":                     {nil, 0},
		"no id":                     {fields{"userid": nil}, 41009},
		"empty id":                  {fields{"userid": ""}, 41009},
		"id with a space":           {fields{"userid": "e ve"}, 40003},
		"id starts with a dot":      {fields{"userid": ".eve"}, 40003},
		"id of 64":                  {fields{"userid": strings.Repeat("e", 64)}, 0},
		"id of 65":                  {fields{"userid": strings.Repeat("e", 65)}, 40003},
		"id in Chinese":             {fields{"userid": "伊芙"}, 40003},
		"id taken":                  {fields{"userid": "ben"}, 60102},
		"id taken in another case":  {fields{"userid": "aMY"}, 60102},
		"no name":                   {fields{"name": nil}, 60112},
		"long name":                 {fields{"name": strings.Repeat("名", 65)}, 60112},
		"long alias":                {fields{"alias": strings.Repeat("名", 65)}, 40058},
		"mobile taken":              {fields{"mobile": "13800000001"}, 60104},
		"mobile taken, spelled so":  {fields{"mobile": "+86-138-0000-0001"}, 60104},
		"mobile with letters":       {fields{"mobile": "1380000000a"}, 60103},
		"mobile too long":           {fields{"mobile": strings.Repeat("1", 33)}, 60103},
		"mobile without digits":     {fields{"mobile": "+-"}, 60103},
		"neither mobile nor mail":   {fields{"mobile": nil}, 60129},
		"both empty":                {fields{"mobile": "", "email": ""}, 60129},
		"mail alone":                {fields{"mobile": nil, "email": "eve@example.com"}, 0},
		"mail taken":                {fields{"email": "AMY@example.com"}, 60106},
		"mail without domain":       {fields{"email": "eve.at"}, 60105},
		"mail with a name":          {fields{"email": "Eve <eve@example.com>"}, 60105},
		"mail too short":            {fields{"email": "e@x.y"}, 60105},
		"mail too long":             {fields{"email": strings.Repeat("e", 54) + "@example.com"}, 60105},
		"biz mail taken":            {fields{"biz_mail": "amy@corp.example.com"}, 60145},
		"biz mail bad":              {fields{"biz_mail": "amy"}, 60143},
		"no department":             {fields{"department": nil}, 60127},
		"empty department":          {fields{"department": []int{}}, 40066},
		"unknown department":        {fields{"department": []int{2, 99}}, 60123},
		"repeated department":       {fields{"department": []int{2, 2}}, 40058},
		"department as text":        {fields{"department": "2"}, 40058},
		"101 departments":           {fields{"department": many}, 60110},
		"order of another length":   {fields{"order": []int{1, 2}}, 40058},
		"order negative":            {fields{"order": []int{-1}}, 40058},
		"order too large":           {fields{"order": []int{1 << 32}}, 40058},
		"leader of another length":  {fields{"is_leader_in_dept": []int{1, 0}}, 60132},
		"leader neither 0 nor 1":    {fields{"is_leader_in_dept": []int{2}}, 40058},
		"main department":           {fields{"department": []int{2, 3}, "main_department": 3}, 0},
		"main department elsewhere": {fields{"main_department": 3}, 40058},
		"leader":                    {fields{"direct_leader": []string{"amy"}}, 0},
		"unknown leader":            {fields{"direct_leader": []string{"nobody"}}, 60111},
		"six leaders":               {fields{"direct_leader": []string{"a", "b", "c", "d", "e", "f"}}, 40058},
		"long position":             {fields{"position": strings.Repeat("职", 129)}, 301012},
		"position of 128":           {fields{"position": strings.Repeat("职", 128)}, 0},
		"gender as number":          {fields{"gender": 2}, 0},
		"gender as text":            {fields{"gender": "1"}, 0},
		"gender unknown":            {fields{"gender": "female"}, 40058},
		"gender as list":            {fields{"gender": []int{1}}, 40058},
		"telephone":                 {fields{"telephone": "+86-10-1234,5"}, 0},
		"telephone with letters":    {fields{"telephone": "ext 5"}, 40058},
		"long address":              {fields{"address": strings.Repeat("址", 129)}, 40058},
		"enable neither 0 nor 1":    {fields{"enable": 2}, 40058},
		"enable as truth value":     {fields{"enable": true}, 40058},
		"external position":         {fields{"external_position": strings.Repeat("职", 13)}, 40058},
		"unknown attribute":         {fields{"extattr": fields{"attrs": []fields{{"type": 9, "name": "nonsense"}}}}, 0},
		"attribute without value":   {fields{"extattr": fields{"attrs": []fields{{"type": 0, "name": "工号"}}}}, 40058},
		"long attribute": {fields{"extattr": fields{"attrs": []fields{
			{"type": 0, "name": "工号", "text": fields{"value": strings.Repeat("1", 65)}},
		}}}, 40058},
		"web attribute": {fields{"extattr": fields{"attrs": []fields{
			{"type": 1, "name": "主页", "web": fields{"url": "https://example.com", "title": "主页"}},
		}}}, 0},
		"web attribute, no scheme": {fields{"extattr": fields{"attrs": []fields{
			{"type": 1, "name": "主页", "web": fields{"url": "example.com", "title": "主页"}},
		}}}, 40058},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := staff(t, nil)
			before := b.Tree()
			b.want(b.post("user/create", object(base, c.changes)), c.want)
			if c.want != 0 && (b.Tree() != before || len(b.Effects()) != 0) {
				t.Error("a refused call changed the corp")
			}
			if c.want == 0 && (len(b.Users()) != 3 || len(b.Effects()) != 1) {
				t.Errorf("%d members, effects %v", len(b.Users()), b.Effects())
			}
		})
	}
}

func TestUserUpdate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"no id":                    {`{"name":"x"}`, 41009},
		"bad id":                   {`{"userid":"a b"}`, 40003},
		"missing":                  {`{"userid":"nobody","name":"x"}`, 60111},
		"nothing":                  {`{"userid":"ben"}`, 0},
		"another case":             {`{"userid":"BEN","name":"本"}`, 0},
		"empty name":               {`{"userid":"ben","name":""}`, 60112},
		"mobile of another":        {`{"userid":"ben","mobile":"13800000001"}`, 60104},
		"own mobile":               {`{"userid":"ben","mobile":"13800000002"}`, 0},
		"mail of another":          {`{"userid":"ben","email":"amy@example.com"}`, 60106},
		"last contact cleared":     {`{"userid":"ben","mobile":""}`, 60129},
		"mail in place of mobile":  {`{"userid":"ben","mobile":"","email":"ben@example.com"}`, 0},
		"first biz mail":           {`{"userid":"ben","biz_mail":"ben@corp.example.com"}`, 0},
		"another biz mail":         {`{"userid":"amy","biz_mail":"amy2@corp.example.com"}`, 60144},
		"same biz mail":            {`{"userid":"amy","biz_mail":"Amy@corp.example.com"}`, 0},
		"empty department":         {`{"userid":"ben","department":[]}`, 40066},
		"unknown department":       {`{"userid":"ben","department":[77]}`, 60123},
		"leader without dept":      {`{"userid":"amy","is_leader_in_dept":[0,1]}`, 0},
		"leader of another length": {`{"userid":"amy","is_leader_in_dept":[1]}`, 60132},
		"new id":                   {`{"userid":"ben","new_userid":"benjamin"}`, 301036},
		"same id":                  {`{"userid":"ben","new_userid":"ben"}`, 0},
		"null is absent":           {`{"userid":"ben","name":null,"mobile":null,"department":null}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := staff(t, nil)
			before := b.Users()
			b.want(b.post("user/update", c.body), c.want)
			if c.want != 0 && (!reflect.DeepEqual(b.Users(), before) || len(b.Effects()) != 0) {
				t.Error("a refused call changed the corp")
			}
			if c.want == 0 && len(b.Effects()) != 1 {
				t.Errorf("effects: %v", b.Effects())
			}
		})
	}
}

func TestUserUpdateKeepsWhatIsAbsent(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	before, _ := b.User("amy")
	b.want(b.post("user/update", `{"userid":"amy","position":"CEO"}`), 0)
	after, _ := b.User("amy")
	before.Position = "CEO"
	if !reflect.DeepEqual(after, before) {
		t.Errorf("%+v\nwant %+v", after, before)
	}
}

func TestUserMoveKeepsWhatBelongsToADepartment(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.want(b.post("user/update", `{"userid":"amy","department":[4,2]}`), 0)
	u, _ := b.User("amy")
	if got := fmt.Sprint(u.Departments, u.Order, u.IsLeader, u.MainDepartment); got != "[4 2] [0 7] [0 1] 2" {
		t.Errorf("after the first move: %s", got)
	}
	b.want(b.post("user/update", `{"userid":"amy","department":[3]}`), 0)
	u, _ = b.User("amy")
	if got := fmt.Sprint(u.Departments, u.Order, u.IsLeader, u.MainDepartment); got != "[3] [0] [0] 3" {
		t.Errorf("after the second move: %s", got)
	}
	b.want(b.get("department/delete", "id", "4"), 0)
}

func TestMobileOfAnActivatedMemberStays(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.want(b.post("user/update", `{"userid":"amy","mobile":"13900000000","name":"A"}`), 0)
	b.want(b.post("user/update", `{"userid":"amy","mobile":"13800000002"}`), 0) // ben's: ignored before it is checked
	u, _ := b.User("amy")
	if u.Mobile != "13800000001" || u.Name != "A" {
		t.Errorf("activated: %s %s", u.Mobile, u.Name)
	}
	b.want(b.post("user/update", `{"userid":"ben","mobile":"13900000000"}`), 0)
	if u, _ := b.User("ben"); u.Mobile != "13900000000" {
		t.Errorf("not activated: %s", u.Mobile)
	}
	b.want(b.post("user/getuserid", `{"mobile":"13800000002"}`), 46004)
}

func TestMailStaysWhereExmailIsBound(t *testing.T) {
	t.Parallel()
	for exmail, want := range map[bool]string{true: "amy@example.com", false: "new@example.com"} {
		b := staff(t, func(o *Options) { o.Exmail = exmail })
		b.want(b.post("user/update", `{"userid":"amy","email":"new@example.com"}`), 0)
		if u, _ := b.User("amy"); u.Email != want {
			t.Errorf("exmail %v: %s, want %s", exmail, u.Email, want)
		}
	}
}

func TestEnable(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	status := func(id string) Status {
		t.Helper()
		return Status(b.get("user/get", "userid", id)["status"].(float64))
	}
	for _, c := range []struct {
		id     string
		enable int
		want   Status
	}{
		{"amy", 0, StatusDisabled},
		{"amy", 1, StatusActive},
		{"amy", 1, StatusActive},
		{"ben", 1, StatusPending},
		{"ben", 0, StatusDisabled},
		{"ben", 0, StatusDisabled},
		{"ben", 1, StatusPending},
	} {
		b.want(b.post("user/update", fmt.Sprintf(`{"userid":%q,"enable":%d}`, c.id, c.enable)), 0)
		if got := status(c.id); got != c.want {
			t.Errorf("%s enable=%d: %s, want %s", c.id, c.enable, got, c.want)
		}
	}
	b.SetStatus("ben", StatusActive)
	b.want(b.post("user/update", `{"userid":"ben","enable":0}`), 0)
	b.want(b.post("user/update", `{"userid":"ben","mobile":"13911111111"}`), 0)
	if u, _ := b.User("ben"); u.Mobile != "13800000002" {
		t.Error("the mobile of a disabled member who had logged in changed")
	}
	b.want(b.post("user/create", `{"userid":"eve","name":"E","department":[2],"mobile":"13700000000","enable":0,"to_invite":false}`), 0)
	if got := status("eve"); got != StatusDisabled {
		t.Errorf("created disabled: %s", got)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.want(b.post("user/update", `{"userid":"amy","extattr":{"attrs":[
		{"type":0,"name":"未知","text":{"value":"x"}},
		{"type":0,"name":"工号","text":{"value":"002"}},
		{"type":1,"name":"主页","web":{"url":"https://example.com/a?b&c","title":"页"}}]}}`), 0)
	attributes := func() string { return fmt.Sprint(b.get("user/get", "userid", "amy")["extattr"]) }
	if got, want := attributes(), "map[attrs:[map[name:工号 text:map[value:002] type:0] map[name:主页 type:1 web:map[title:页 url:https://example.com/a?b&c]]]]"; got != want {
		t.Errorf("%s", got)
	}
	b.want(b.post("user/update", `{"userid":"amy","extattr":{"attrs":[
		{"type":0,"name":"工号","text":{"value":""}},
		{"type":1,"name":"主页","web":{"url":"","title":""}}]}}`), 0)
	if got := attributes(); got != "map[attrs:[]]" {
		t.Errorf("cleared: %s", got)
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	for i, invite := range []string{``, `,"to_invite":true`, `,"to_invite":false`} {
		b.want(b.post("user/create", fmt.Sprintf(`{"userid":"u%d","name":"U","department":[2],"mobile":"1370000000%d"%s}`, i, i, invite)), 0)
	}
	b.want(b.post("user/create", `{"userid":"u0","name":"U","department":[2],"mobile":"13700000009"}`), 60102)
	a := b.post("batch/invite", `{"user":["BEN","nobody"]}`)
	b.want(a, 0)
	if got := fmt.Sprint(a["invaliduser"]); got != "[nobody]" {
		t.Errorf("invaliduser: %s", got)
	}
	var got []string
	for _, invitation := range b.Invitations() {
		got = append(got, invitation.User)
	}
	if want := "u0 u1 ben"; strings.Join(got, " ") != want {
		t.Errorf("invited %v, want %s", got, want)
	}
	b.want(b.post("batch/invite", `{}`), 40058)
}

func TestSystemIDChangesOnce(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	if err := b.AddUserWithSystemID(User{ID: "sys1", Name: "S", Mobile: "13600000000", Departments: []int64{2}}); err != nil {
		t.Fatal(err)
	}
	b.want(b.post("user/update", `{"userid":"ben","direct_leader":["sys1"]}`), 0)
	b.want(b.post("user/update", `{"userid":"sys1","new_userid":"AMY"}`), 60102)
	b.want(b.post("user/update", `{"userid":"sys1","new_userid":"a b"}`), 40003)
	b.want(b.post("user/update", `{"userid":"sys1","new_userid":"sam"}`), 0)
	b.want(b.post("user/update", `{"userid":"sam","new_userid":"sam2"}`), 301036)
	b.want(b.get("user/get", "userid", "sys1"), 60111)
	if u, _ := b.User("ben"); fmt.Sprint(u.DirectLeaders) != "[sam]" {
		t.Errorf("leaders: %v", u.DirectLeaders)
	}
	b.want(b.post("user/getuserid", `{"mobile":"13600000000"}`), 0)
}

func TestUserDelete(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.SetCreator("BEN")
	for id, want := range map[string]int{"": 41009, "a b": 40003, "nobody": 60111, "ben": 301005} {
		b.want(b.get("user/delete", "userid", id), want)
	}
	b.want(b.get("user/delete", "userid", "AMY"), 0)
	b.want(b.get("user/delete", "userid", "amy"), 60111)
	effects := b.Effects()
	if len(effects) != 1 || effects[0].ID != "Amy" || effects[0].Op != "user/delete" || !effects[0].At.Equal(b.clock.Now()) {
		t.Errorf("effects: %+v", effects)
	}
	if u, _ := b.User("ben"); len(u.DirectLeaders) != 0 {
		t.Errorf("ben's leader is still there: %v", u.DirectLeaders)
	}
	b.want(b.post("user/create", `{"userid":"amy","name":"A","department":[2],"mobile":"13800000001","email":"amy@example.com","to_invite":false}`), 0)
}

func TestUserBatchDelete(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	ids := make([]string, 201)
	for i := range ids {
		ids[i] = fmt.Sprintf("w%03d", i)
		b.addUser(User{ID: ids[i]})
	}
	b.SetCreator("w150")
	list := func(ids ...string) string { return object(fields{"useridlist": ids}, nil) }
	b.want(b.post("user/batchdelete", `{"useridlist":[]}`), 40032)
	b.want(b.post("user/batchdelete", list(ids...)), 40032)
	b.want(b.post("user/batchdelete", list("w000", "nobody", "w001")), 40031)
	b.want(b.post("user/batchdelete", list("w000", "W000")), 40031)
	b.want(b.post("user/batchdelete", list(ids[:200]...)), 301005)
	if got := len(b.Users()); got != 203 {
		t.Fatalf("%d members after refusals, want 203", got)
	}
	b.SetCreator("")
	b.want(b.post("user/batchdelete", list(ids[:200]...)), 0)
	if got := len(b.Users()); got != 3 {
		t.Errorf("%d members, want 3", got)
	}
	if got := len(b.Effects()); got != 200 {
		t.Errorf("%d effects, want 200", got)
	}
}

func TestSeatsAndMailDomain(t *testing.T) {
	t.Parallel()
	b := staff(t, func(o *Options) { o.Seats, o.MailDomain = 3, "mail.example.com" })
	b.want(b.post("user/create", `{"userid":"Eve","name":"E","department":[2],"mobile":"13700000001"}`), 0)
	b.want(b.post("user/create", `{"userid":"dan","name":"D","department":[2],"mobile":"13700000002"}`), 45024)
	a := b.post("user/get_userid_by_email", `{"email":"eve@mail.example.com"}`)
	b.want(a, 0)
	if a["userid"] != "Eve" {
		t.Errorf("userid %v", a["userid"])
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	for body, want := range map[string]int{
		`{"email":"amy@corp.example.com"}`:                0,
		`{"email":"AMY@corp.example.com","email_type":1}`: 0,
		`{"email":"amy@example.com","email_type":2}`:      0,
		`{"email":"amy@example.com","email_type":1}`:      46004,
		`{"email":"amy@example.com","email_type":3}`:      40058,
		`{"email":"amy"}`: 60105,
	} {
		if a := b.post("user/get_userid_by_email", body); a.code() != want {
			t.Errorf("%s: %d, want %d", body, a.code(), want)
		}
	}
	b.want(b.post("user/getuserid", `{"mobile":"x"}`), 60103)
	for range 11 {
		b.want(b.post("user/getuserid", `{"mobile":"13899999999"}`), 46004)
	}
	b.want(b.post("user/getuserid", `{"mobile":"13800000001"}`), 45009)
	b.clock.Add(lookupBlock)
	b.contacts = b.token("contacts-secret")
	a := b.post("user/getuserid", `{"mobile":"+86 13800000001"}`)
	b.want(a, 60103)
	a = b.post("user/getuserid", `{"mobile":"+8613800000001"}`)
	b.want(a, 0)
	if a["userid"] != "Amy" {
		t.Errorf("userid %v", a["userid"])
	}
}

func TestUserLists(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.addUser(User{ID: "zoe", Departments: []int64{1}})
	got := func(a answer) string {
		var ids []string
		for _, row := range a["userlist"].([]any) {
			ids = append(ids, row.(map[string]any)["userid"].(string))
		}
		return strings.Join(ids, " ")
	}
	for _, path := range []string{"user/list", "user/simplelist"} {
		if got := got(b.get(path, "department_id", "1")); got != "zoe" {
			t.Errorf("%s of the root alone: %s", path, got)
		}
		if got := got(b.get(path, "department_id", "1", "fetch_child", "1")); got != "Amy ben zoe" {
			t.Errorf("%s of all: %s", path, got)
		}
		if got := got(b.get(path, "department_id", "4")); got != "" {
			t.Errorf("%s of an empty one: %s", path, got)
		}
		b.want(b.get(path), 60123)
		b.want(b.get(path, "department_id", "99"), 60123)
		b.want(b.get(path, "department_id", "1", "fetch_child", "2"), 40058)
	}
	row := b.get("user/list", "department_id", "3")["userlist"].([]any)[0].(map[string]any)
	for name, want := range map[string]string{
		"name": "艾米", "department": "[2 3]", "order": "[7 8]", "is_leader_in_dept": "[1 0]",
		"main_department": "2", "mobile": "13800000001", "status": "1", "enable": "1", "gender": "0", "direct_leader": "[]",
	} {
		if got := fmt.Sprint(row[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestUserListTooLarge(t *testing.T) {
	t.Parallel()
	b := staff(t, func(o *Options) { o.ReplyBytes = 4000 })
	for i := range 10 {
		b.addUser(User{ID: fmt.Sprintf("w%d", i), Departments: []int64{4}})
	}
	b.want(b.get("user/list", "department_id", "1", "fetch_child", "1"), 45029)
	b.want(b.get("user/list", "department_id", "2"), 0)
	b.want(b.get("user/simplelist", "department_id", "1", "fetch_child", "1"), 0)
}

func TestUserSeeding(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	if err := b.AddUser(User{ID: "AMY", Name: "A", Mobile: "1", Departments: []int64{1}}); err == nil || !strings.Contains(err.Error(), "60102") {
		t.Errorf("duplicate: %v", err)
	}
	if err := b.ChangeUser("amy", func(u *User) { u.ID, u.Mobile, u.Status = "x", "13900000000", StatusDisabled }); err != nil {
		t.Fatal(err)
	}
	u, _ := b.User("AMY")
	if u.ID != "Amy" || u.Mobile != "13900000000" || u.Status != StatusDisabled {
		t.Errorf("%+v", u)
	}
	if err := b.ChangeUser("amy", func(u *User) { u.Departments = []int64{2} }); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("amy"); fmt.Sprint(u.Departments, u.Order, u.IsLeader) != "[2] [7] [1]" {
		t.Errorf("moved: %v %v %v", u.Departments, u.Order, u.IsLeader)
	}
	if err := b.ChangeUser("amy", func(u *User) { u.Departments = []int64{99} }); err == nil {
		t.Error("an unknown department was accepted")
	}
	if err := b.ChangeUser("nobody", func(*User) {}); err == nil {
		t.Error("a missing member was changed")
	}
	if b.SetStatus("nobody", StatusActive) || b.RemoveUser("nobody") {
		t.Error("a missing member was found")
	}
	if _, found := b.User("nobody"); found {
		t.Error("a missing member was given")
	}
	u.Departments[0] = 99 // the caller's own copy
	if again, _ := b.User("amy"); again.Departments[0] != 2 {
		t.Error("User gave away the corp's own slice")
	}
	if got := len(b.Effects()); got != 0 {
		t.Errorf("seeding left %d effects", got)
	}
}
