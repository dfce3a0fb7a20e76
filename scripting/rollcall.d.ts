// For editors: types of what a Rollcall rule may use. Written by `rollcall rules types`; do not edit.
// 供编辑器使用：规则脚本可用的对象和函数。由 rollcall rules types 生成，请勿手工修改。
//
// In a rule, name this file on the first line / 在规则文件第一行引用本文件：
//   /// <reference path="./rollcall.user.d.ts" />
// The editor then completes and explains. What is wrong with a rule is told by
// `rollcall config check`: a rule is a function's body, so leave checkJs off.
// 编辑器即可补全和提示。规则是函数体，请不要打开 checkJs；检查请用 rollcall config check。

/** A Date with which one may calculate: `hiredate - today() <= 0`. 可以直接相减、比较的日期。 */
type RollcallDate = Date & number;

type RollcallOperation = "CREATE" | "UPDATE" | "DISABLE" | "DELETE";

/** The attributes of a user of the source. 来源系统中的人员属性。 */
interface RollcallUser {
/*user*/}

/** The attributes of a department of the source. 来源系统中的部门属性。 */
interface RollcallDepartment {
/*department*/}

interface RollcallContext {
  /**
   * The source object's attributes; of someone who has left, as last seen. Changed ones are mapped and compared instead.
   * 来源对象的属性；已离职的人是最后一次看到的样子。改动会参与映射和比较。
   */
  data: /*data*/;
  /** What is proposed. 拟进行的操作。 */
  readonly operationType: RollcallOperation | "NONE";
  readonly objectType: "user" | "department";
  /** The id in the source. 在来源系统中的编号。 */
  readonly id: string;
  /** The target object's attributes under the target's names, or null. 目标账号的属性（目标系统的属性名），没有则为 null。 */
  readonly target: { readonly [name: string]: any } | null;
  /** Shown in the plan, at most 200 characters. 显示在计划里，最多 200 字。 */
  reason: string;
}

interface RollcallRepo {
  /** This object may be written: whether it exists decides. 允许写入该对象，新建还是更新由是否已存在决定。 */
  executeCreate(): void;
  /** This object may be written, if it exists. 允许写入该对象，前提是它已存在。 */
  executeUpdate(): void;
  /** Disable it, under every guard and vote. 停用，仍受全部防护和审批约束。 */
  executeDisable(): void;
  /** Delete it, under every guard and vote. 删除，仍受全部防护和审批约束。 */
  executeDelete(): void;
  /** Drop the operation if it is this one; without an argument whatever it is. 放弃这种操作；不带参数则放弃任何操作。 */
  abort(operation?: RollcallOperation): void;
  /** That object of the source, in scope or not, read-only; null when there is none. 来源中该编号的对象（不论是否在范围内），只读；没有则为 null。 */
  getObjectByID(id: string, kind: "user"): Readonly<RollcallUser> | null;
  getObjectByID(id: string, kind: "department"): Readonly<RollcallDepartment> | null;
  getObjectByID(id: string): Readonly<RollcallUser & RollcallDepartment> | null;
}

declare const context: RollcallContext;
/** May be used only as repo.name(…). 只能写成 repo.函数名(…)。 */
declare const repo: RollcallRepo;

/** Midnight today in the flow's time zone. 今天零点（流程的时区）。 */
declare function today(): RollcallDate;
/** The time of the plan, the same for every object. 做计划的时间，对每个对象都相同。 */
declare function now(): RollcallDate;
/** "张三" → "zhangsan" */
declare function pinyin(text: string): string;
/**
 * A text that is to be the only one in the target: unique("zhangsan") becomes zhangsan, zhangsan2, zhangsan3 …,
 * and a mail address gets its number before the @. An account keeps its number. 在目标系统中不重复的文本：依次取 zhangsan、zhangsan2、zhangsan3……，邮箱的序号加在 @ 前面。已有账号保持原序号。
 */
declare function unique(text: string): string;
/** A line for you in a trial. 试跑时给你看的一行。 */
declare function log(...values: any[]): void;

interface String {
  /** Whether the text contains another; the same as includes. 是否包含另一段文本，与 includes 相同。 */
  contain(text: string): boolean;
  /** Whether the text contains another; the same as includes. 是否包含另一段文本，与 includes 相同。 */
  contains(text: string): boolean;
}
