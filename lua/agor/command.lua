-- :Agor and its aliases: which subcommands there are, what each takes, and who does it. Knows command lines; the work is
-- done by the modules that the handlers call.

local message = require('agor.message')
local mirror = require('agor.mirror')
local near = require('agor.near')

local M = {}

---@class agor.Call
---@field args string the raw rest of the line
---@field bang boolean
---@field taken agor.Selection|nil what the range or visual mode covered

---@class agor.Subcommand
---@field run fun(call: agor.Call)
---@field args? 'raw'|'word' none without it
---@field range? boolean
---@field bang? boolean
---@field complete? fun(words: string[], lead: string): string[] candidates for `lead` after `words`

---@param ok any
---@param failed string|nil
local function report(ok, failed)
  if not ok and failed then
    message.error(failed)
  end
end

---@param step integer
local function cycle(step)
  local rows = mirror.list()
  local row = mirror.need()
  if not row then
    return
  end
  for i, other in ipairs(rows) do
    if other.session_id == row.session_id then
      local id = rows[(i - 1 + step) % #rows + 1].session_id
      mirror.touch(id)
      local pane = require('agor.ui.pane')
      return report((pane.is_open() and pane.show or pane.open)(id))
    end
  end
end

---@param name string
---@return string[]
local function directories(name)
  return vim.fn.getcompletion(name, 'dir')
end

---Those of the sessions that are there.
---@return string[]
local function worktrees()
  local names = {}
  for _, row in ipairs(mirror.list()) do
    if row.worktree and not vim.list_contains(names, row.worktree.name) then
      table.insert(names, row.worktree.name)
    end
  end
  return names
end

---@param words string[]
---@param lead string
---@return string[]
local function complete_start(words, lead)
  local arguments = require('agor.arguments')
  require('agor.config').refresh()
  local names = require('agor.provider').names()
  local key, value = lead:match('^(%a[%w_]*)=(.*)$')
  if key and value then
    ---@type string[]
    local values = ({
      provider = names,
      worktree = worktrees(),
      resume_mode = { 'new', 'continue', 'resume' },
      permission_mode = { 'default', 'acceptEdits', 'plan', 'bypassPermissions' },
    })[key] or {}
    if vim.list_contains({ 'cwd', 'add_dir', 'config_dir', 'claude_config_dir' }, key) then
      values = vim.tbl_map(function(dir)
        return (dir:gsub(' ', '\\ '))
      end, directories((value:gsub('\\ ', ' '))))
    end
    return vim.tbl_map(function(item)
      return key .. '=' .. item
    end, values)
  end
  local seen_provider, seen = false, {}
  for _, word in ipairs(words) do
    local used = word:match('^(%a[%w_]*)=')
    if used then
      seen[used] = true
    elseif not seen_provider and vim.list_contains(names, word) then
      seen_provider = true
    else
      return {} -- The prompt has begun.
    end
  end
  local out = {}
  if not seen_provider then
    -- What is not installed is offered to those who begin to type its name: starting it says how to get it.
    out = lead == '' and require('agor.provider').installed() or vim.deepcopy(names)
  end
  for _, one in ipairs(arguments.keys) do
    if (not seen[one] or one == 'add_dir') and not (one == 'provider' and seen_provider) then
      table.insert(out, one .. '=')
    end
  end
  return out
end

---@return string[]
local function session_ids()
  return vim.tbl_map(function(row)
    return row.session_id
  end, mirror.list())
end

---@param module string
---@param name string
---@return fun(call: agor.Call)
local function lazily(module, name)
  return function(call)
    require('agor.' .. module)[name](call)
  end
end

---@param kind 'models'|'modes'|'efforts'
---@return fun(words: string[]): string[]
local function offered(kind)
  return function(words)
    return require('agor.choices').complete(kind)(words)
  end
end

---@param call agor.Call
local function start(call)
  local arguments = require('agor.arguments')
  -- A provider may have come into the configuration since.
  require('agor.config').refresh()
  local parsed, wrong = arguments.start(call.args, require('agor.provider').names())
  if not parsed then
    return report(nil, wrong)
  end
  local options = parsed.options
  ---@type agor.StartOptions
  local opts = {
    provider = parsed.provider,
    prompt = parsed.prompt,
    cwd = options.cwd --[[@as string]],
    model = options.model --[[@as string]],
    mode = options.mode --[[@as string]],
    effort = options.effort --[[@as string]],
    permission_mode = options.permission_mode --[[@as string]],
    system_prompt = options.system_prompt --[[@as string]],
    config_dir = options.config_dir --[[@as string]],
    claude_config_dir = options.claude_config_dir --[[@as string]],
    additional_directories = options.add_dir --[[@as string[] ]],
    worktree_name = options.worktree --[[@as string]],
    resume_mode = options.resume_mode --[[@as 'new'|'continue'|'resume']],
    resume_session_id = options.resume --[[@as string]],
  }
  if options.max_turns then
    opts.max_turns = tonumber(options.max_turns)
    if not opts.max_turns then
      return report(nil, ('max_turns= takes a number, not "%s"'):format(options.max_turns))
    end
  end
  if opts.cwd and not opts.cwd:match('^/') then
    opts.cwd = vim.fs.joinpath(require('agor.project').window_directory(), opts.cwd)
  end
  local launch = require('agor.launch')
  if not parsed.doubtful then
    return launch.start(opts, call.taken)
  end
  launch.doubt(parsed.first or '', parsed.doubtful, function(name)
    if name then
      -- What follows may be keys: the line is read again as it should have been.
      return start({
        args = call.args:gsub('^%s*%S+', name, 1),
        bang = call.bang,
        taken = call.taken,
      })
    end
    launch.start(opts, call.taken)
  end)
end

---@type table<string, agor.Subcommand>
M.subcommands = {
  start = { run = start, args = 'raw', range = true },
  send = {
    args = 'raw',
    range = true,
    run = function(call)
      local parsed, wrong = require('agor.arguments').send(call.args, session_ids())
      if not parsed then
        return report(nil, wrong)
      end
      require('agor.send').send(parsed.prompt, call.taken, parsed.session)
    end,
    complete = function(words)
      return #words == 0
          and vim.tbl_map(function(id)
            return '@' .. id
          end, session_ids())
        or {}
    end,
  },
  prompt = {
    args = 'raw',
    range = true,
    run = function(call)
      require('agor.send').draft(call.args ~= '' and call.args or nil, call.taken)
    end,
  },
  toggle = {
    run = function()
      require('agor.ui.pane').toggle()
    end,
  },
  open = {
    run = function()
      local row = mirror.need()
      if row then
        mirror.touch(row.session_id)
        report(require('agor.ui.pane').open(row.session_id, { focus = 'prompt' }))
      end
    end,
  },
  close = {
    run = function()
      require('agor.ui.pane').close()
    end,
  },
  next = {
    run = function()
      cycle(1)
    end,
  },
  prev = {
    run = function()
      cycle(-1)
    end,
  },
  interrupt = {
    run = function()
      report(require('agor').interrupt())
    end,
  },
  retry = {
    run = function()
      report(require('agor').retry())
    end,
  },
  stop = {
    bang = true,
    run = function(call)
      report(require('agor').stop(nil, { force = call.bang }))
    end,
  },
  queue = {
    args = 'word',
    run = function(call)
      report(require('agor.ui.queue').open(call.args ~= '' and call.args or nil))
    end,
    complete = function(words)
      return #words == 0 and session_ids() or {}
    end,
  },
  sessions = {
    run = function()
      require('agor.ui.board').open()
    end,
  },
  model = { args = 'word', run = lazily('choices', 'model'), complete = offered('models') },
  mode = { args = 'word', run = lazily('choices', 'mode'), complete = offered('modes') },
  effort = { args = 'word', run = lazily('choices', 'effort'), complete = offered('efforts') },
  option = {
    args = 'raw',
    run = lazily('choices', 'option'),
    complete = function(words)
      return require('agor.choices').complete_option(words)
    end,
  },
  permit = {
    args = 'word',
    run = function(call)
      local n = tonumber(call.args)
      if call.args ~= '' and (not n or n < 1 or n % 1 ~= 0) then
        return report(nil, ('permit takes the number of an option, not "%s"'):format(call.args))
      end
      report(require('agor.ui.ask').focus(n and math.floor(n)))
    end,
  },
  grants = { run = lazily('grants', 'grants') },
  audit = { run = lazily('grants', 'audit') },
  changes = {
    args = 'word',
    run = lazily('changes', 'changes'),
    complete = function(words)
      return #words == 0 and { 'turn', 'session' } or {}
    end,
  },
  diff = {
    args = 'raw',
    bang = true,
    run = lazily('changes', 'diff_command'),
    complete = function(words, lead)
      return #words == 0 and vim.fn.getcompletion(lead, 'file') or {}
    end,
  },
  paste = {
    args = 'raw',
    run = lazily('images', 'paste'),
    complete = function(words, lead)
      return #words == 0 and vim.fn.getcompletion(lead, 'file') or {}
    end,
  },
  resume = {
    args = 'word',
    bang = true,
    run = lazily('resume', 'resume'),
    complete = function(words)
      return require('agor.resume').complete(words)
    end,
  },
  fork = { args = 'raw', run = lazily('slash', 'fork') },
  export = {
    args = 'raw',
    bang = true,
    run = lazily('actions', 'export'),
    complete = function(words, lead)
      return #words == 0 and vim.fn.getcompletion(lead, 'file') or {}
    end,
  },
  login = {
    args = 'word',
    run = lazily('login', 'login'),
    complete = function(words)
      return #words == 0 and require('agor.provider').names() or {}
    end,
  },
  worktree = {
    args = 'word',
    run = lazily('worktree', 'command'),
    complete = function(words)
      return #words == 0 and require('agor.worktree').actions or {}
    end,
  },
  ps = { run = lazily('actions', 'ps') },
  log = { run = lazily('actions', 'log') },
  trace = {
    args = 'word',
    run = lazily('actions', 'trace'),
    complete = function(words)
      return #words == 0 and { 'on', 'off' } or {}
    end,
  },
  stats = { run = lazily('actions', 'stats') },
  restart = {
    run = function()
      require('agor.backend').restart()
    end,
  },
  build = { run = lazily('actions', 'build') },
  install = { run = lazily('actions', 'install') },
}
M.subcommands.start.complete = complete_start

---@return string[] sorted
function M.names()
  local names = vim.tbl_keys(M.subcommands)
  table.sort(names)
  return names
end

---@param name string
---@param spec agor.Subcommand
---@param args string
---@param bang boolean
---@param source string|nil
---@return string|nil message
local function refused(name, spec, args, bang, source)
  local count = #vim.split(vim.trim(args), '%s+', { trimempty = true })
  if not spec.args and count > 0 then
    return (':Agor %s takes no argument'):format(name)
  elseif spec.args == 'word' and count > 1 then
    return (':Agor %s takes one argument'):format(name)
  elseif bang and not spec.bang then
    return (':Agor %s takes no !'):format(name)
  elseif (source == 'lines' or source == 'marks') and not spec.range then
    return (':Agor %s takes no range'):format(name)
  end
end

---@param subcommand string|nil
---@param opts { args: string, bang: boolean, range: integer, line1: integer, line2: integer }
function M.run(subcommand, opts)
  local args, name, bang = opts.args, subcommand, opts.bang
  if not name then
    local first = args:match('^%S+')
    name = first or 'toggle'
    -- One blank parts the subcommand from the rest, which is left as it is.
    args = first and args:sub(#first + 1):gsub('^%s', '', 1) or ''
    if name:match('!$') then
      name, bang = name:sub(1, -2), true
    end
  end
  local spec = M.subcommands[name]
  if not spec then
    local hint = near.hint(name, M.names())
    return message.error(('unknown subcommand "%s"%s; :Agor <Tab> lists them'):format(name, hint))
  end
  local source = require('agor.range').source(opts)
  local wrong = refused(name, spec, args, bang, source)
  if wrong then
    return message.error(wrong)
  end
  local taken = nil
  if source and spec.range then
    taken = require('agor.context').take(source, opts.line1, opts.line2)
  end
  spec.run({ args = spec.args == 'word' and vim.trim(args) or args, bang = bang, taken = taken })
end

---@param candidates string[]
---@param lead string
---@return string[]
local function matching(candidates, lead)
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

---@param subcommand string|nil
---@param lead string
---@param line string
---@param cursor integer
---@return string[]
function M.complete(subcommand, lead, line, cursor)
  -- The word before the cursor, with its escaped blanks; Neovim's `lead` may begin elsewhere.
  local before = line:sub(1, cursor)
  local rest = before:match('Agor%a*!?%s+(.*)$') or ''
  local words = {}
  for word in rest:gsub('\\ ', '\1'):gmatch('%S+') do
    table.insert(words, (word:gsub('\1', '\\ ')))
  end
  local begins = rest:match('%s$') ~= nil and not rest:match('\\%s$')
  local last = begins and '' or table.remove(words) --[[@as string]] or ''
  if not subcommand then
    if #words == 0 then
      return matching(M.names(), last)
    end
    subcommand = table.remove(words, 1):gsub('!$', '')
  end
  local spec = M.subcommands[subcommand]
  if not spec or not spec.complete then
    return {}
  end
  local found = matching(spec.complete(words, last), last)
  if #lead < #last then
    -- Only the part after Neovim's own idea of a word's beginning is replaced.
    found = vim.tbl_map(function(item)
      return item:sub(#last - #lead + 1)
    end, found)
  end
  return found
end

return M
