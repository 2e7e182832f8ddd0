-- Git worktrees of sessions' own: how they are to be made, and `:Agor worktree`: what becomes of one. Knows the
-- configuration and questions to the user; git is asked by the backend.

local cells = require('agor.ui.cells')
local config = require('agor.config')
local message = require('agor.message')
local mirror = require('agor.mirror')
local near = require('agor.near')
local tell = require('agor.tell')

local M = {}

---@class agor.WorktreeLook a worktree at one moment, as `Look` of src/session/worktree/look.rs
---@field name string
---@field branch string
---@field path string
---@field repository string
---@field target string the branch of the main worktree
---@field ahead integer commits that the target does not have
---@field commits integer commits that are nowhere else
---@field uncommitted integer
---@field files string[] some of those
---@field ours boolean
---@field seen string
---@field diffstat agor.Diffstat|nil

M.actions = { 'merge', 'remove', 'keep', 'diff', 'open', 'create' }

---What the backend makes one by, as WorktreeOptions of src/domain/options.rs.
---@param name string|nil nil: whatever the session's journal says
---@param cwd string
---@param own agor.ProjectConfig|nil what the project sets itself
---@return table|nil
---@return string|nil failed
function M.options(name, cwd, own)
  local of_project = own and own.worktree or {}
  ---@type agor.Config.worktree
  local wanted = vim.tbl_extend('force', config.get().worktree, of_project)
  local out = {
    branch = wanted.branch,
    base = wanted.base,
    copy = wanted.copy,
    submodules = wanted.submodules,
  }
  local directory = wanted.directory
  if type(directory) == 'string' then
    out.directory = vim.fs.normalize(directory, { expand_env = false })
  elseif name then
    local top = vim.fs.root(cwd, '.git') or cwd
    local ok, path = pcall(directory, { name = name, cwd = cwd, repository = top })
    if not ok then
      return nil, 'config.worktree.directory fails: ' .. message.line(path)
    elseif type(path) ~= 'string' or not vim.fs.normalize(path):match('^/') then
      return nil,
        ('config.worktree.directory returned %s, which is no absolute path'):format(
          vim.inspect(path)
        )
    end
    out.path = vim.fs.normalize(path)
  end
  return out
end

---@param count integer
---@param what string
---@return string
local function number(count, what)
  return ('%d %s%s'):format(count, what, count == 1 and '' or 's')
end

---What a worktree has, in a few words.
---@param look agor.WorktreeLook
---@return string
function M.describe(look)
  local parts = {}
  local stat = look.diffstat
  if type(stat) == 'table' and stat.files > 0 then
    table.insert(
      parts,
      ('%s changed (+%d -%d)'):format(number(stat.files, 'file'), stat.added, stat.removed)
    )
  end
  if look.ahead > 0 then
    table.insert(
      parts,
      ('%s not in %s'):format(
        number(look.ahead, 'commit'),
        look.target ~= '' and look.target or 'the main worktree'
      )
    )
  end
  if look.uncommitted > 0 then
    table.insert(parts, number(look.uncommitted, 'file') .. ' not committed')
  end
  return #parts > 0 and table.concat(parts, ', ') or 'nothing changed'
end

---@param look agor.WorktreeLook
---@return string
local function some_files(look)
  local names = vim.list_slice(look.files, 1, 4)
  return cells.clean(table.concat(names, ', ')) .. (look.uncommitted > #names and ', ...' or '')
end

---The sessions that work in a worktree.
---@param path string
---@return agor.Row[]
local function inside(path)
  return vim.tbl_filter(function(row)
    return row.worktree ~= nil and row.worktree.path == path and row.status ~= 'done'
  end, mirror.list())
end

---@param method string
---@param look agor.WorktreeLook|{ path: string }
---@param more? table
---@param done fun(result: any)
local function ask(method, look, more, done)
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    return message.error(failed or 'the backend is not running')
  end
  local params = { path = look.path, environ = vim.fn.environ() }
  tell(method, vim.tbl_extend('error', params, more or {}), done)
end

---@param title string
---@param choices { [1]: string, [2]: fun() }[] and `Cancel`, which does nothing
local function choose(title, choices)
  local labels = vim.tbl_map(function(choice)
    return choice[1]
  end, choices)
  table.insert(labels, 'Cancel')
  require('agor.pick').one(labels, { prompt = title }, function(label)
    for _, choice in ipairs(choices) do
      if choice[1] == label then
        choice[2]()
      end
    end
  end)
end

---@param look agor.WorktreeLook
---@param busy_only? boolean
---@return string '' or a sentence about what is stopped
local function stops(look, busy_only)
  local rows = vim.tbl_filter(function(row)
    return row.busy or not busy_only
  end, inside(look.path))
  if #rows == 0 then
    return ''
  end
  return #rows == 1 and ' Its session is stopped first.'
    or (' Its %d sessions are stopped first.'):format(#rows)
end

---@param look agor.WorktreeLook
local function merge(look)
  local function go(text)
    ask('worktree_merge', look, { seen = look.seen, message = text }, function(result)
      message.info(result.said)
      require('agor.files').changed(look.repository)
    end)
  end
  local stopped = stops(look, true)
  if look.uncommitted > 0 then
    local title = ('%s: %s not committed (%s).%s'):format(
      look.name,
      number(look.uncommitted, 'file'),
      some_files(look),
      stopped
    )
    return choose(title, {
      {
        'Commit and merge into ' .. look.target,
        function()
          local row = inside(look.path)[1]
          local default = row and row.title ~= '' and row.title or look.name
          require('agor.pick').line(
            { prompt = 'Commit message: ', default = default },
            function(text)
              if text and vim.trim(text) ~= '' then
                go(text)
              end
            end
          )
        end,
      },
    })
  elseif stopped ~= '' then
    return choose(('Merge %s into %s?%s'):format(look.branch, look.target, stopped), {
      {
        'Merge',
        function()
          go()
        end,
      },
    })
  end
  go()
end

---@param look agor.WorktreeLook
local function remove(look)
  local function go(branch)
    ask('worktree_remove', look, { seen = look.seen, branch = branch }, function(result)
      message.info(result.said)
    end)
  end
  local lost = {}
  if look.uncommitted > 0 then
    table.insert(
      lost,
      ('%s not committed (%s)'):format(number(look.uncommitted, 'file'), some_files(look))
    )
  end
  if look.commits > 0 then
    table.insert(lost, ('%s on no other branch'):format(number(look.commits, 'commit')))
  end
  local title = #lost > 0
      and ('Remove the worktree %s? It has %s.'):format(look.name, table.concat(lost, ' and '))
    or ('Remove the worktree %s? Nothing is lost with it.'):format(look.name)
  local choices = {}
  if look.commits > 0 and look.branch ~= '' then
    local files = look.uncommitted > 0 and ', lose the files' or ''
    choices = {
      {
        ('Remove, keep the branch %s%s'):format(look.branch, files),
        function()
          go(false)
        end,
      },
      {
        'Remove it all: ' .. table.concat(lost, ' and '),
        function()
          go(true)
        end,
      },
    }
  else
    choices = {
      {
        #lost > 0 and 'Remove it all: ' .. table.concat(lost, ' and ') or 'Remove',
        function()
          go(false)
        end,
      },
    }
  end
  choose(title .. stops(look), choices)
end

---@param look agor.WorktreeLook
local function diff(look)
  ask('worktree_diff', look, nil, function(result)
    local lines = vim.fn.readfile(result.text_file)
    vim.uv.fs_unlink(result.text_file)
    if #lines == 0 then
      return message.info(('nothing is changed in the worktree %s'):format(look.name))
    end
    require('agor.scratch').open('worktree', lines, { filetype = 'diff', full = true })
  end)
end

---@param look agor.WorktreeLook
local function open(look)
  vim.cmd.tabnew()
  vim.cmd({ cmd = 'tcd', args = { look.path }, magic = { file = false, bar = false } })
  vim.cmd.edit('.')
end

---@param look agor.WorktreeLook
local function keep(look)
  message.info(('the worktree %s is kept: %s, branch %s'):format(look.name, look.path, look.branch))
end

---@type table<string, fun(look: agor.WorktreeLook)>
local does = { merge = merge, remove = remove, diff = diff, open = open, keep = keep }

---@param look agor.WorktreeLook
local function offer(look)
  local choices = {}
  local function add(label, action)
    table.insert(choices, {
      label,
      function()
        does[action](look)
      end,
    })
  end
  if look.ours and look.target ~= '' and (look.ahead > 0 or look.uncommitted > 0) then
    add('Merge into ' .. look.target, 'merge')
  end
  add('Show the diff', 'diff')
  add('Open in a tab', 'open')
  add('Keep', 'keep')
  if look.ours then
    add('Remove', 'remove')
  end
  choose(('Worktree %s: %s'):format(look.name, M.describe(look)), choices)
end

---The worktree that is meant: the session's, else one of the project's.
---@param row agor.Row|nil
---@param go fun(look: agor.WorktreeLook)
local function which(row, go)
  if row and row.worktree then
    return ask('worktree_look', row.worktree, nil, go)
  end
  ask('worktrees', { path = require('agor.project').root() }, nil, function(list)
    if #list == 0 then
      message.info('there is no worktree of a session here: `:AgorStart worktree=name` makes one')
    elseif #list == 1 then
      go(list[1])
    else
      require('agor.pick').one(list, {
        prompt = 'Worktree:',
        format_item = function(look)
          return ('%s  %s'):format(look.name, M.describe(look))
        end,
      }, function(look)
        if look then
          go(look)
        end
      end)
    end
  end)
end

---@param action string|nil nil: asks which
---@param row agor.Row|nil by default the current session
function M.act(action, row)
  row = row or mirror.current()
  if action == 'create' then
    if not row then
      return message.error('there is no session: :AgorStart worktree=name starts one')
    end
    return tell('worktree_create', { session_id = row.session_id })
  elseif action and not does[action] then
    local hint = near.hint(action, M.actions)
    return message.error(
      ('unknown action "%s"%s: use %s'):format(action, hint, table.concat(M.actions, ', '))
    )
  end
  which(row, action and does[action] or offer)
end

---Asks what becomes of it.
---@param row agor.Row|nil by default the current session
function M.menu(row)
  M.act(nil, row)
end

---@param call agor.Call
function M.command(call)
  M.act(call.args ~= '' and call.args or nil)
end

return M
