--- The board: every session as one line, with keys for what can be done to it. Live while it is open.

local api = vim.api

local M = {}

local ns = api.nvim_create_namespace('agor_board')

---@type integer?
local buf
---@type integer?
local win
---@type string[] session ids by line
local rows = {}

---@return string? session_id under the cursor
local function here()
  return win and rows[api.nvim_win_get_cursor(win)[1]]
end

---@param session agor.Row
---@return string[][] pieces text and group
local function line_of(session)
  local bar = require('agor.ui.bar')
  local icon, word, group = bar.status(session)
  local needs = (session.pending or 0) > 0 and ('%d waiting'):format(session.pending)
    or (session.queued or 0) > 0 and ('%d queued'):format(session.queued)
    or ''
  local title = session.error or session.title or ''
  local pieces = {
    { icon, group },
    { word, group },
    { session.provider, 'AgorTitle' },
    { needs, 'AgorQuestion' },
    { (session.cost_usd or 0) > 0 and bar.cost(session.cost_usd) or '', 'AgorDim' },
    { bar.directory(session.cwd or ''), 'AgorPath' },
    { title, session.error and 'AgorError' or 'AgorDim' },
  }
  for _, piece in ipairs(pieces) do
    piece[1] = require('agor.ui.cells').clean(piece[1])
  end
  return pieces
end

---@return string[] lines
---@return any[] marks
---@return string[] ids
local function content()
  local sessions = require('agor.mirror').list()
  local table_rows, ids = {}, {}
  ---@type table<integer, integer>
  local widths = {}
  for _, session in ipairs(sessions) do
    local pieces = line_of(session)
    ids[#ids + 1] = session.session_id
    table_rows[#table_rows + 1] = pieces
    for i, piece in ipairs(pieces) do
      widths[i] = math.max(widths[i] or 0, require('agor.ui.cells').width(piece[1]))
    end
  end
  local lines = {}
  local marks = {} ---@type any[][]
  for row, pieces in ipairs(table_rows) do
    local text = ' '
    for i, piece in ipairs(pieces) do
      if widths[i] > 0 then
        local last = i == #pieces
        local body = last and require('agor.ui.cells').shorten(piece[1], 60) or piece[1]
        marks[#marks + 1] = { row - 1, #text, #text + #body, piece[2] }
        local pad = widths[i] - require('agor.ui.cells').width(piece[1])
        text = text .. body .. (last and '' or (' '):rep(pad + (i == 1 and 1 or 2)))
      end
    end
    lines[row] = text .. ' '
  end
  if #lines == 0 then
    lines = { ' No session yet: :AgorStart starts one ' }
    marks[1] = { 0, 0, #lines[1], 'AgorDim' }
  end
  return lines, marks, ids
end

---@param lines string[]
---@return vim.api.keyset.win_config
local function config(lines)
  local footer = ''
  if require('agor.config').get().keys ~= false then
    local dot = (' %s '):format(require('agor.ui.icons').get().dot)
    footer =
      table.concat({ '<CR> open', 'i interrupt', 's stop', 'x remove', 'q close', 'g?' }, dot)
    footer = (' %s '):format(footer)
  end
  local width = math.max(40, require('agor.ui.cells').width(footer) + 2)
  for _, text in ipairs(lines) do
    width = math.max(width, require('agor.ui.cells').width(text))
  end
  local space = vim.o.lines - vim.o.cmdheight - 1
  width = math.max(1, math.min(width, vim.o.columns - 4))
  local height = math.max(1, math.min(#lines, space - 4))
  return {
    relative = 'editor',
    row = math.max(0, math.floor((space - height - 2) / 2)),
    col = math.max(0, math.floor((vim.o.columns - width - 2) / 2)),
    width = width,
    height = height,
    border = require('agor.ui.borders').whole(),
    title = ' Sessions ',
    title_pos = 'center',
    footer = footer,
    footer_pos = 'center',
    -- Above a question that waits, below the help.
    zindex = 58,
  }
end

-- The float with the keys, while the cursor is in it.
---@type integer?
local help_win

local function close()
  if win and api.nvim_win_is_valid(win) then
    api.nvim_win_close(win, true)
  end
  win = nil
end

-- With dozens of sessions a drawing takes milliseconds of the user's time: it is never more than a twentieth of it.
local SHARE = 20
---@type number
local not_before = 0
local scheduled = false

--- The cursor stays on its session.
local function draw()
  scheduled = false
  if not win or not api.nvim_win_is_valid(win) or not buf then
    return
  end
  local began = vim.uv.hrtime()
  local at = here()
  local lines, marks, ids = content()
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  for _, mark in ipairs(marks) do
    local opts = { end_col = mark[3], hl_group = mark[4] }
    api.nvim_buf_set_extmark(buf, ns, mark[1], mark[2], opts)
  end
  rows = ids
  api.nvim_win_set_config(win, config(lines))
  for row, id in ipairs(ids) do
    if id == at then
      api.nvim_win_set_cursor(win, { row, 0 })
    end
  end
  local now = vim.uv.hrtime()
  not_before = now + SHARE * (now - began)
end

--- After rows of the mirror changed, now or soon.
function M.refresh()
  local wait = not_before - vim.uv.hrtime()
  if scheduled or not win then
    return
  elseif wait <= 0 then
    draw()
  else
    scheduled = true
    vim.defer_fn(draw, math.ceil(wait / 1e6))
  end
end

---@param ok any
---@param err string?
local function report(ok, err)
  if not ok then
    require('agor.message').error(err or 'That did not work')
  end
end

---@return agor.Key[]
local function keys()
  local function key(lhs, name, desc, run)
    return {
      modes = 'n',
      lhs = lhs,
      name = name,
      desc = desc,
      run = function()
        local id = here()
        if id then
          run(id)
        end
      end,
    }
  end
  return {
    key('<CR>', 'board-open', 'show the session in the pane', function(id)
      close()
      report(require('agor.ui.pane').open(id))
    end),
    key('i', 'board-interrupt', 'interrupt its turn', function(id)
      report(require('agor').interrupt(id))
    end),
    key('s', 'board-stop', 'stop the agent', function(id)
      report(require('agor').stop(id))
    end),
    key('S', 'board-kill', 'stop the agent at once', function(id)
      report(require('agor').stop(id, { force = true }))
    end),
    key('x', 'board-remove', 'stop it and take it from the list; its journal stays', function(id)
      report(require('agor').remove(id))
    end),
    { modes = 'n', lhs = { 'q', '<Esc>' }, name = 'board-close', desc = 'close', run = close },
    {
      modes = 'n',
      lhs = 'g?',
      name = 'help',
      desc = 'these keys',
      run = function()
        help_win = require('agor.ui.help').open(buf --[[@as integer]])
      end,
    },
  }
end

--- Opens the board, with the cursor in it on the current session.
function M.open()
  if vim.fn.getcmdwintype() ~= '' then
    require('agor.message').error('Close the command-line window first')
    return
  end
  require('agor.ui.pane').setup()
  if win and api.nvim_win_is_valid(win) then
    api.nvim_set_current_win(win)
    return
  end
  local mirror = require('agor.mirror')
  local current = mirror.current()
  buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].filetype = 'agor-sessions'
  -- Not again with each new size: it sets options.
  win = api.nvim_open_win(buf, true, vim.tbl_extend('force', config({}), { style = 'minimal' }))
  local wo = vim.wo[win][0]
  wo.winhighlight = 'NormalFloat:AgorFloat,FloatBorder:AgorBorder,'
    .. 'FloatTitle:AgorFloatTitle,FloatFooter:AgorFloatHint,CursorLine:AgorSelected'
  wo.cursorline = true
  wo.wrap = false
  wo.winfixbuf = true
  require('agor.ui.keys').attach(buf, keys())
  draw()
  for row, id in ipairs(rows) do
    if current and id == current.session_id then
      api.nvim_win_set_cursor(win, { row, 0 })
    end
  end
  api.nvim_create_autocmd('VimResized', { buffer = buf, callback = M.refresh })
  -- Left for another window, also by way of its help, it would only be in the way.
  api.nvim_create_autocmd('WinEnter', {
    group = api.nvim_create_augroup('agor_board', { clear = true }),
    callback = function()
      if not win or not api.nvim_win_is_valid(win) then
        return true
      end
      vim.schedule(function()
        local now = api.nvim_get_current_win()
        if now ~= win and now ~= help_win and vim.fn.getcmdwintype() == '' then
          close()
        end
      end)
    end,
  })
end

return M
