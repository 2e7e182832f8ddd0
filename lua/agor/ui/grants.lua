--- What the user has allowed and refused for longer than once, in a float: what, for how long, where and since when; and
--- rules, each with the place where it stands.
---
--- Knows rows, cells and a window; what holds and how it is taken back is told by who opens it.

local api = vim.api

local M = {}

local ns = api.nvim_create_namespace('agor_grants')

local SCOPES = {
  turn = 'this turn',
  session = 'this session',
  project = 'always',
  everywhere = 'everywhere',
  rule = 'rule',
}
local GAP = 2

---@class agor.GrantsFloat
---@field buf integer
---@field win integer
---@field rows agor.GrantRow[]
---@field revoke fun(row: agor.GrantRow)

---@type agor.GrantsFloat?
local float

---@param row agor.GrantRow
---@return string
local function effect(row)
  return row.refuses and 'no' or row.asks and 'ask' or 'yes'
end

---@param row agor.GrantRow
---@return string
local function whose(row)
  if row.origin then
    return row.origin
  elseif row.scope == 'everywhere' then
    return 'all projects'
  end
  local session = row.session_id and require('agor.mirror').get(row.session_id)
  local directory = require('agor.ui.bar').directory(row.project or '')
  return session and ('%s in %s'):format(session.provider, directory) or directory
end

--- What is allowed has the room that it wants; the columns behind it that do not fit are
--- cut or left out.
---@param rows agor.GrantRow[]
---@param width integer cells of a line
---@return string[] lines
---@return any[] marks row, first byte, byte after the last, group
function M.lines(rows, width)
  local cells = require('agor.ui.cells')
  local columns = {}
  local widths = {} ---@type table<integer, integer>
  for i, row in ipairs(rows) do
    columns[i] = {
      ('%-3s %s'):format(effect(row), cells.clean(row.words)),
      SCOPES[row.scope] or row.scope,
      cells.clean(whose(row)),
      row.at and tostring(os.date('%Y-%m-%d %H:%M', math.floor(row.at / 1000))) or '',
    }
    for n, text in ipairs(columns[i]) do
      widths[n] = math.max(widths[n] or 0, cells.width(text))
    end
  end
  local room, shown = width - 2, 1
  local what = math.min(widths[1] or 0, math.max(16, room - (widths[2] or 0) - GAP))
  room = room - what
  while shown < 4 and (widths[shown + 1] or 0) + GAP <= room do
    shown = shown + 1
    room = room - widths[shown] - GAP
  end
  -- Where a rule stands is worth having in part too.
  if shown == 2 and room >= 16 + GAP then
    shown, widths[3], room = 3, room - GAP, 0
  end
  widths[1] = math.min(widths[1] or 0, what + room)
  local groups = { '', 'AgorNew', 'AgorPath', 'AgorDim' }
  local lines, marks = {}, {}
  for i, row in ipairs(columns) do
    local line = ' '
    local group = rows[i].refuses and 'AgorError'
      or rows[i].asks and 'AgorWarning'
      or 'AgorToolDone'
    marks[#marks + 1] = { i - 1, 1, 4, group }
    for n = 1, shown do
      local text = cells.shorten(row[n], widths[n])
      if groups[n] ~= '' then
        marks[#marks + 1] = { i - 1, #line, #line + #text, groups[n] }
      end
      line = line .. text
      if n < shown then
        line = line .. (' '):rep(widths[n] - cells.width(text) + GAP)
      end
    end
    lines[i] = line
  end
  return lines, marks
end

---@param lines string[]
---@param rows integer
---@return vim.api.keyset.win_config
local function config(lines, rows)
  local cells, space = require('agor.ui.cells'), vim.o.lines - vim.o.cmdheight - 1
  local widest = 44
  for _, line in ipairs(lines) do
    widest = math.max(widest, cells.width(line) + 1)
  end
  local out = require('agor.ui.geometry').middle(widest, math.min(rows, space - 4))
  out.title = ' Decided without asking '
  local keys = { 'd take back', 'q close', 'g? keys' }
  out.footer = require('agor.ui.hints').line(keys, out.width --[[@as integer]])
  out.title_pos, out.footer_pos = 'center', 'center'
  -- Above a question that waits, below the help.
  out.zindex = 58
  return out
end

---@param this agor.GrantsFloat
---@return vim.api.keyset.win_config
local function draw(this)
  local lines, marks = M.lines(this.rows, vim.o.columns - 4)
  vim.bo[this.buf].modifiable = true
  api.nvim_buf_set_lines(this.buf, 0, -1, false, lines)
  vim.bo[this.buf].modifiable = false
  api.nvim_buf_clear_namespace(this.buf, ns, 0, -1)
  for _, mark in ipairs(marks) do
    local opts = { end_col = mark[3], hl_group = mark[4] }
    api.nvim_buf_set_extmark(this.buf, ns, mark[1], mark[2], opts)
  end
  return config(lines, #lines)
end

function M.close()
  local this = float
  float = nil
  if this and api.nvim_win_is_valid(this.win) then
    api.nvim_win_close(this.win, true)
  end
end

---@return boolean
function M.is_open()
  return float ~= nil and api.nvim_win_is_valid(float.win)
end

---@param buf integer
---@return agor.Key[]
local function keys(buf)
  local function key(lhs, name, desc, run)
    return { modes = 'n', lhs = lhs, name = name, desc = desc, run = run }
  end
  return {
    key('d', 'grant-revoke', 'take this grant back: it is asked about again', function()
      local this = float
      local row = this and this.rows[api.nvim_win_get_cursor(this.win)[1]]
      if this and row then
        this.revoke(row)
      end
    end),
    key({ 'q', '<Esc>' }, 'grants-close', 'close', M.close),
    key('g?', 'help', 'these keys', function()
      require('agor.ui.help').open(buf)
    end),
  }
end

--- Opens the float with the cursor in it, or shows these rows where it is open.
---@param rows agor.GrantRow[]
---@param revoke fun(row: agor.GrantRow)
function M.open(rows, revoke)
  local this = float
  if this and api.nvim_win_is_valid(this.win) then
    this.rows, this.revoke = rows, revoke
    api.nvim_win_set_config(this.win, draw(this))
    return
  end
  local buf = require('agor.ui.float').buffer()
  this = { buf = buf, win = 0, rows = rows, revoke = revoke }
  this.win = require('agor.ui.float').open(buf, {
    filetype = 'agor-grants',
    keys = keys(buf),
    config = draw(this),
    resized = function()
      api.nvim_win_set_config(this.win, draw(this))
    end,
    left = M.close,
    closed = function()
      float = nil
    end,
    is_open = function()
      return float == this
    end,
  })
  float = this
end

return M
