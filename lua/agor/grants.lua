-- :Agor grants: what the user has allowed for longer than once, to look at and to take back. Knows rows and a window; what
-- holds, the backend knows.

local message = require('agor.message')
local mirror = require('agor.mirror')
local scratch = require('agor.scratch')
local tell = require('agor.tell')

local M = {}

---@class agor.GrantRow
---@field id string
---@field scope 'turn'|'session'|'project'
---@field words string
---@field at integer Unix milliseconds
---@field session_id string|nil
---@field project string

local SCOPES = { turn = 'this turn', session = 'this session', project = 'always' }

---@param row agor.GrantRow
---@return string
local function whose(row)
  local session = row.session_id and mirror.get(row.session_id)
  local directory = require('agor.ui.bar').directory(row.project)
  return session and ('%s in %s'):format(session.provider, directory) or directory
end

---@param rows agor.GrantRow[]
---@return string[]
function M.lines(rows)
  local cells = require('agor.ui.cells')
  return scratch.table(
    { 'HOLDS', 'WHERE', 'SINCE', 'WHAT' },
    vim.tbl_map(function(row)
      return {
        SCOPES[row.scope] or row.scope,
        cells.clean(whose(row)),
        os.date('%Y-%m-%d %H:%M', math.floor(row.at / 1000)),
        cells.clean(row.words),
      }
    end, rows)
  )
end

---@param rows agor.GrantRow[]
---@param cwd string
local function show(rows, cwd)
  local lines = M.lines(rows)
  local buf = scratch.open('grants', lines)
  if #rows > 0 then
    pcall(vim.api.nvim_win_set_cursor, 0, { 2, 0 })
  end
  require('agor.ui.keys').add(buf, {
    {
      modes = 'n',
      lhs = 'd',
      name = 'grant-revoke',
      desc = 'take this grant back: it is asked about again',
      run = function()
        local row = rows[vim.api.nvim_win_get_cursor(0)[1] - 1]
        if not row then
          return
        end
        tell('revoke', { id = row.id, session_id = row.session_id, cwd = cwd }, function()
          message.info(('taken back: %s'):format(row.words))
          if vim.api.nvim_buf_is_valid(buf) then
            M.show(cwd)
          end
        end)
      end,
    },
  })
end

---@param cwd string
function M.show(cwd)
  tell('grants', { cwd = cwd }, function(rows)
    if type(rows) ~= 'table' or #rows == 0 then
      local win = scratch.window()
      if win and vim.bo[vim.api.nvim_win_get_buf(win)].filetype == 'agor-grants' then
        vim.api.nvim_win_close(win, true)
      end
      return message.info('nothing is allowed for longer than once here')
    end
    show(rows, cwd)
  end)
end

function M.grants()
  local row = mirror.current()
  local channel, failed = require('agor.backend').ensure()
  if not channel then
    return message.error(failed or 'the backend is not running')
  end
  M.show(row and row.cwd or require('agor.project').root())
end

return M
