package stage

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// person is one row of the roster.
type person struct {
	no, name, mobile, email, department, title, hired, status string
}

// The columns of the roster, as an HR department would call them.
var header = []string{"工号", "姓名", "手机", "邮箱", "部门", "职位", "入职日期", "状态"}

func (p person) row() []string {
	return []string{p.no, p.name, p.mobile, p.email, p.department, p.title, p.hired, p.status}
}

// Roster is a company's roster file that a person may edit. It is safe for
// concurrent use.
type Roster struct {
	path string

	mu   sync.Mutex
	rows []person
}

// departments gives the paths of the company: 40 with everything above them.
func departments() []string {
	return []string{
		"/总部", "/总部/研发中心", "/总部/研发中心/平台组", "/总部/研发中心/移动组", "/总部/研发中心/数据组", "/总部/研发中心/质量组", "/总部/研发中心/安全组",
		"/总部/产品部", "/总部/产品部/企业产品", "/总部/产品部/消费产品", "/总部/设计部", "/总部/市场部", "/总部/市场部/品牌组", "/总部/市场部/增长组",
		"/总部/人力资源部", "/总部/人力资源部/招聘组", "/总部/人力资源部/薪酬组", "/总部/财务部", "/总部/财务部/会计组", "/总部/法务部", "/总部/信息技术部", "/总部/行政部",
		"/华东", "/华东/上海销售", "/华东/杭州销售", "/华东/南京销售", "/华东/交付部", "/华东/客服部",
		"/华南", "/华南/深圳销售", "/华南/广州销售", "/华南/交付部", "/华南/客服部",
		"/华北", "/华北/北京销售", "/华北/天津销售", "/华北/交付部", "/华北/客服部", "/西部", "/西部/成都销售",
	}
}

const (
	surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常"
	given    = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞鹏宇浩凯悦琳晨曦雨欣梓涵子轩博文思远佳怡俊熙诗琪若彤天翔晓东建国志强海燕春梅雪松云帆"
)

// titles by the end of a department's name.
func titles(department string) []string {
	switch {
	case strings.Contains(department, "研发"):
		return []string{"工程师", "高级工程师", "架构师", "测试工程师"}
	case strings.Contains(department, "销售"):
		return []string{"客户经理", "销售代表", "区域经理"}
	case strings.Contains(department, "产品"):
		return []string{"产品经理", "高级产品经理"}
	case strings.Contains(department, "客服"):
		return []string{"客服专员", "客服主管"}
	default:
		return []string{"专员", "主管", "经理"}
	}
}

// lastMonth makes the company as it was when both sides were in step: always
// the same one.
func lastMonth(people int) []person {
	r := rand.New(rand.NewPCG(7, 3)) //nolint:gosec // a company that is always the same needs no secret randomness
	family, name := []rune(surnames), []rune(given)
	paths := departments()
	rows := make([]person, 0, people)
	for i := range people {
		department := paths[i%len(paths)]
		choices := titles(department)
		full := string(family[r.IntN(len(family))]) + string(name[r.IntN(len(name))])
		if r.IntN(3) > 0 {
			full += string(name[r.IntN(len(name))])
		}
		no := fmt.Sprintf("%04d", i+1)
		rows = append(rows, person{
			no: no, name: full, mobile: fmt.Sprintf("138%08d", 10_000_000+i*37), email: "s" + no + "@xinghe.example",
			department: department, title: choices[r.IntN(len(choices))],
			hired: fmt.Sprintf("20%02d-%02d-%02d", 12+r.IntN(13), 1+r.IntN(12), 1+r.IntN(28)), status: "在职",
		})
	}
	rows[41].name, rows[41].department = "张伟", "/总部/研发中心/平台组" // the first 张伟
	rows[17].name, rows[101].name, rows[202].name = "王磊", "赵静", "孙浩"
	return rows
}

// today turns last month's company into today's: three left, one is marked as
// left, some moved, some joined, one of them with a name that is taken, one in
// the future.
func today(old []person, now time.Time) []person {
	rows := slices.Clone(old)
	gone := map[string]bool{rows[17].no: true, rows[101].no: true}
	rows[202].status = "离职"
	for i, to := range map[int]string{55: "/总部/研发中心/数据组", 130: "/华东/杭州销售", 260: "/华南/深圳销售", 301: "/总部/产品部/企业产品"} {
		rows[i].department = to
	}
	rows[77].title, rows[88].title = "高级工程师", "主管"
	rows[90].email = "s0091@tencent.example" // the rule keeps it from being written
	rows = slices.DeleteFunc(rows, func(p person) bool { return gone[p.no] })
	day := func(days int) string { return now.AddDate(0, 0, days).Format(time.DateOnly) }
	join := func(no, name, department, title, hired string) {
		rows = append(rows, person{no: no, name: name, mobile: "139" + no + no, email: "s" + no + "@xinghe.example", department: department, title: title, hired: hired, status: "在职"})
	}
	join("0401", "张伟", "/华东/上海销售", "客户经理", day(-3)) // the second 张伟
	join("0402", "林晓彤", "/总部/设计部", "设计师", day(-1))
	join("0403", "何俊熙", "/总部/研发中心/安全组", "工程师", day(0))
	join("0404", "苏雨欣", "/总部/市场部/增长组", "专员", day(14)) // not yet
	return rows
}

// save writes the file as a whole, so that nobody reads half of it.
func (r *Roster) save() error {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	if err := w.Write(header); err != nil {
		return err
	}
	for _, p := range r.rows {
		if err := w.Write(p.row()); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	fresh := r.path + ".new"
	if err := os.WriteFile(fresh, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, r.path)
}

// Drop takes a person's row out.
func (r *Roster) Drop(no string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(no)
	if i < 0 {
		return fmt.Errorf("the roster has no %s", no)
	}
	r.rows = slices.Delete(r.rows, i, i+1)
	return r.save()
}

// Set changes a cell of a person's row, or adds a row for a new number.
func (r *Roster) Set(no, column, value string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(no)
	if i < 0 {
		r.rows = append(r.rows, person{no: no, name: "人" + no, mobile: "139" + no + no, email: "s" + no + "@xinghe.example", department: "/总部", hired: "2020-01-01", status: "在职"})
		i = len(r.rows) - 1
	}
	p := &r.rows[i]
	cells := map[string]*string{"工号": &p.no, "姓名": &p.name, "手机": &p.mobile, "邮箱": &p.email, "部门": &p.department, "职位": &p.title, "入职日期": &p.hired, "状态": &p.status}
	cell, ok := cells[column]
	if !ok {
		return fmt.Errorf("the roster has no column %s", column)
	}
	*cell = value
	return r.save()
}

// Restore puts a row back as it was last month.
func (r *Roster) Restore(no string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range lastMonth(companySize) {
		if p.no == no && r.find(no) < 0 {
			r.rows = append(r.rows, p)
			return r.save()
		}
	}
	return fmt.Errorf("%s was not in the roster last month, or is in it now", no)
}

func (r *Roster) find(no string) int {
	return slices.IndexFunc(r.rows, func(p person) bool { return p.no == no })
}
