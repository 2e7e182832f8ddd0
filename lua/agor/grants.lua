-- :Agor grants: what the user has allowed and refused for longer than once, to look at and to take back, with the rules of
-- the configuration beside it; :Agor audit: what was decided. What holds, the backend knows; what it looks like,
-- lua/agor/ui/grants.lua.

local message = require('agor.message')
local tell = require('agor.tell')

local M = {}

---@class agor.GrantRow
---@field id string|nil nil: a rule of a configuration, which is changed there, or what cannot be read
---@field scope 'turn'|'session'|'project'|'everywhere'|'rule'
---@field refuses boolean
---@field asks boolean|nil
---@field words string
---@field at integer|nil Unix milliseconds
---@field session_id string|nil
---@field project string|nil
---@field origin string|nil where a rule stands
---@field unread string|nil a sentence: why nobody knows what these rows would be

---The rules of the configuration and of the project.
---@param cwd string
---@return agor.GrantRow[]
local function rules(cwd)
  local own = require('agor.project_config').read(cwd)
  local found, unread = require('agor.policy').rows(own)
  local out = {}
  for _, place in ipairs(unread) do
    local words = 'everything is asked: this rule cannot be read'
    table.insert(
      out,
      { scope = 'rule', refuses = false, asks = true, words = words, origin = place }
    )
  end
  for _, rule in ipairs(found) do
    table.insert(out, {
      scope = 'rule',
      refuses = rule.effect == 'deny',
      asks = rule.effect == 'ask',
      words = rule.words,
      origin = rule.origin,
    })
  end
  return out
end

---@param cwd string
function M.show(cwd)
  local view = require('agor.ui.grants')
  tell('grants', { cwd = cwd }, function(rows)
    rows = type(rows) == 'table' and rows or {}
    local unread, again = {}, view.is_open() ---@type string[], boolean
    for _, row in ipairs(rows) do
      if row.unread then
        row.refuses, row.asks = false, true
        table.insert(unread, row.unread)
      end
    end
    rows = vim.list_extend(rows, rules(cwd))
    if #rows == 0 then
      view.close()
      return message.info('nothing is allowed or refused for longer than once here')
    end
    view.open(rows, function(row)
      if not row.id then
        local where = 'this rule is changed where it stands: '
        return message.info(row.unread or where .. row.origin)
      end
      tell('revoke', { id = row.id, session_id = row.session_id, cwd = cwd }, function()
        message.info(('taken back: %s'):format(row.words))
        if view.is_open() then
          M.show(cwd)
        end
      end)
    end)
    -- Once it is open: it would wipe them away.
    for _, why in ipairs(again and {} or unread) do
      message.warn(why)
    end
  end)
end

---@return boolean there is a backend
local function can_tell()
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    message.error(failed or 'the backend is not running')
  end
  return channel ~= nil
end

function M.grants()
  local row = require('agor.mirror').current()
  if can_tell() then
    M.show(row and row.cwd or require('agor.project').root())
  end
end

---What was allowed and what was not is told apart at a glance. As syntax: only lines that are on the screen are looked at.
---@param buf integer
local function colour(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd(
      [[syntax match AgorDim /^\d\{4}-\S\+ \S\+/ nextgroup=AgorToolDone,AgorError,AgorWarning skipwhite]]
    )
    vim.cmd([[syntax match AgorToolDone /\<\%(allowed\|answered\)\>/ contained]])
    vim.cmd([[syntax match AgorError /\<denied\>/ contained]])
    vim.cmd([[syntax match AgorWarning /\<\%(cancelled\|expired\|withdrawn\)\>/ contained]])
    vim.cmd([[syntax match AgorDim /^    .*/]])
  end)
end

---All decisions, newest at the end, in a window to read.
function M.audit()
  if not can_tell() then
    return
  end
  tell('audit', {}, function(result)
    local lines = vim.fn.readfile(result.text_file)
    vim.uv.fs_unlink(result.text_file)
    local buf = require('agor.scratch').open('audit', lines, { full = true })
    colour(buf)
    local win = vim.fn.bufwinid(buf)
    if win ~= -1 then
      vim.wo[win][0].wrap, vim.wo[win][0].linebreak, vim.wo[win][0].breakindent = true, true, true
      vim.wo[win][0].breakindentopt = 'shift:4'
      vim.api.nvim_win_set_cursor(win, { math.max(1, #lines), 0 })
    end
  end)
end

return M
