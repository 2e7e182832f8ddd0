--- What can be done to a session on the board, and by which key. Knows the public functions and requests of doc/wire.md;
--- draws nothing.

local M = {}

---@param ok any
---@param err string?
local function report(ok, err)
  if ok == nil or ok == false then
    require('agor.message').error(err or 'That did not work')
  end
end

---@param entry agor.BoardEntry
---@return string
local function named(entry)
  local title = require('agor.ui.cells').shorten(entry.row.title or '', 40)
  return title ~= '' and ('"%s"'):format(title) or entry.row.provider
end

---@param board agor.BoardHandle
---@param entry agor.BoardEntry
---@param focus 'prompt'|nil
local function open(board, entry, focus)
  if entry.state == 'elsewhere' then
    return M.beside(board, entry)
  end
  board.leave()
  if not require('agor.mirror').get(entry.id) then
    return require('agor.resume').resume({ args = entry.id, bang = false })
  end
  report(require('agor.ui.pane').open(entry.id, { focus = focus }))
end

--- Its transcript in a window of its own, to be read. For one that does not live here it comes from the journal.
---@param board agor.BoardHandle
---@param entry agor.BoardEntry
function M.beside(board, entry)
  board.leave()
  local ok, err = pcall(function()
    local buf = require('agor.ui.transcript').buffer(entry.id)
    local pane = require('agor.ui.pane').current()
    local anchor = require('agor.ui.neighbour').last() or pane and pane.transcript or 0
    local win = vim.api.nvim_open_win(buf, true, { split = 'right', win = anchor })
    -- A split takes over some of its neighbour's options.
    vim.wo[win].winfixwidth, vim.wo[win].winfixheight = false, false
  end)
  report(ok, ok and nil or ('No window can open here: ' .. tostring(err)))
end

---@param board agor.BoardHandle
---@param entry agor.BoardEntry
local function rename(board, entry)
  local live = require('agor.mirror').get(entry.id) ~= nil
  board.hold(function(let_go)
    require('agor.pick').line(
      { prompt = 'Name (empty: its own title): ', default = entry.row.title or '' },
      function(name)
        let_go()
        if name then
          require('agor.tell')('rename', { session_id = entry.id, name = name }, function()
            if not live then
              board.reload()
            end
          end)
        end
      end
    )
  end)
end

---@param bytes integer
---@return string
local function amount(bytes)
  if bytes < 1024 * 1024 then
    return ('%d KiB'):format(math.ceil(bytes / 1024))
  end
  return ('%.1f MiB'):format(bytes / 1024 / 1024)
end

--- What goes and what stays, before anything does.
---@param entry agor.BoardEntry
---@return string
function M.loss(entry)
  local row = entry.row
  local dir = vim.fs.joinpath(require('agor.backend').data_dir(), 'sessions')
  local stat = vim.uv.fs_stat(vim.fs.joinpath(dir, entry.id .. '.ndjson'))
  local gone = { stat and ('its journal (%s)'):format(amount(stat.size)) or 'its conversation' }
  gone[#gone + 1] = 'its draft'
  if (row.queued or 0) > 0 then
    gone[#gone + 1] = ('%d queued prompt%s'):format(row.queued, row.queued == 1 and '' or 's')
  end
  gone[#gone + 1] = 'what files were before it'
  local text = ('Delete %s? Gone for good: %s.'):format(named(entry), table.concat(gone, ', '))
  if row.busy then
    text = text .. ' It works now and is stopped.'
  end
  local stays = { 'files as they are now' }
  if row.worktree then
    stays[#stays + 1] = ('the worktree %s'):format(row.worktree.name)
  end
  stays[#stays + 1] = ('what %s keeps of it itself'):format(row.provider)
  return ('%s Kept: %s.'):format(text, table.concat(stays, ', '))
end

--- Buffers that nobody sees any more.
---@param id string
local function forget(id)
  require('agor.ui.drafts').save(id, { lines = {}, attachments = {} })
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local ours = vim.b[buf].agor_session == id and vim.bo[buf].filetype:match('^agor')
    if ours and #vim.fn.win_findbuf(buf) == 0 then
      vim.api.nvim_buf_delete(buf, { force = true })
    end
  end
end

---@param board agor.BoardHandle
---@param entry agor.BoardEntry
local function delete(board, entry)
  if entry.state == 'elsewhere' then
    return require('agor.message').info('It lives in another Neovim: only there it can be deleted')
  end
  board.hold(function(let_go)
    require('agor.pick').one({ 'Keep it', 'Delete it' }, {
      prompt = require('agor.ui.cells').clean(M.loss(entry)),
      kind = 'agor_delete',
    }, function(_, choice)
      let_go()
      if choice ~= 2 then
        return
      end
      require('agor.tell')('delete_journal', { session_id = entry.id }, function()
        forget(entry.id)
        board.reload()
        require('agor.message').info(('%s is deleted'):format(named(entry)))
      end)
    end)
  end)
end

---@param board agor.BoardHandle
---@param entry agor.BoardEntry
local function answer(board, entry)
  for _, item in ipairs(require('agor.ui.ask').items()) do
    if item.session_id == entry.id then
      board.leave()
      require('agor.ui.ask').focus_request(item.session_id, item.request_id)
      return
    end
  end
  require('agor.message').info(('%s asks nothing now'):format(named(entry)))
end

--- Its agent is there again; of a session that does not live here, after what `:Agor resume` asks.
---@param board agor.BoardHandle
---@param entry agor.BoardEntry
local function restart(board, entry)
  if require('agor.mirror').get(entry.id) then
    require('agor.tell')('restart', { session_id = entry.id })
  else
    board.leave()
    require('agor.resume').resume({ args = entry.id, bang = false })
  end
end

---@param entry agor.BoardEntry
local function retry(_, entry)
  report(require('agor').retry(entry.id))
end

---@param board agor.BoardHandle
---@param entry agor.BoardEntry
local function worktree(board, entry)
  if not entry.row.worktree then
    local text = '%s has no worktree: `:AgorStart worktree=name` makes one'
    return require('agor.message').info(text:format(named(entry)))
  end
  board.leave()
  require('agor.worktree').menu(entry.row)
end

---@class agor.BoardHandle what the board lends to its keys
---@field here fun(): agor.BoardEntry|nil
---@field leave fun() the float goes, a panel stays
---@field hold fun(ask: fun(let_go: fun())) it stays while something else has the focus
---@field reload fun() earlier sessions are listed anew
---@field filter fun()
---@field clear fun()
---@field sort fun()
---@field earlier fun()
---@field close fun()
---@field help fun()

---@param board agor.BoardHandle
---@return agor.Key[]
function M.list(board)
  ---@param live boolean only for sessions of this Neovim
  local function key(lhs, name, desc, live, run)
    return {
      modes = 'n',
      lhs = lhs,
      name = 'board-' .. name,
      desc = desc,
      run = function()
        local entry = board.here()
        if not entry then
          return
        end
        local message = require('agor.message')
        if live and entry.state == 'elsewhere' then
          message.info('It belongs to another Neovim: here it can only be read')
        elseif live and not require('agor.mirror').get(entry.id) then
          message.info('It is an earlier session: <CR> takes it up again')
        else
          run(board, entry)
        end
      end,
    }
  end
  local function call(method, opts)
    return function(_, entry)
      report(require('agor')[method](entry.id, opts))
    end
  end
  local function plain(lhs, name, desc, run)
    return { modes = 'n', lhs = lhs, name = name, desc = desc, run = run }
  end
  return {
    key('<CR>', 'open', 'show the session in the pane; take up an earlier one', false, open),
    key('v', 'beside', 'show its transcript in a window of its own', false, M.beside),
    key('p', 'prompt', 'write it a prompt', true, function(handle, entry)
      open(handle, entry, 'prompt')
    end),
    key('y', 'answer', 'answer its oldest question', true, answer),
    key('i', 'interrupt', 'interrupt its turn', true, call('interrupt')),
    key('s', 'stop', 'stop the agent', true, call('stop')),
    key('S', 'kill', 'stop the agent at once', true, call('stop', { force = true })),
    key(
      'R',
      'restart',
      'start the agent anew; take up, or over from another Neovim',
      false,
      restart
    ),
    key('T', 'retry', 'try its last turn again, with a new agent if it hangs', true, retry),
    key(
      'x',
      'remove',
      'stop it and take it from the list; its journal stays',
      true,
      call('remove')
    ),
    key('c', 'changes', 'list what it has changed', true, function(handle, entry)
      handle.leave()
      require('agor.changes').list(entry.id)
    end),
    key('w', 'worktree', 'keep, merge or remove its worktree', true, worktree),
    key('r', 'rename', 'give it a name', false, rename),
    key('D', 'delete', 'delete it with its journal, after a question', false, delete),
    plain('o', 'board-sort', 'order by activity, status, start, cost or title', board.sort),
    plain('/', 'board-filter', 'narrow the list', board.filter),
    plain('<BS>', 'board-clear', 'show all again', board.clear),
    plain('a', 'board-earlier', 'show or hide earlier sessions of the project', board.earlier),
    plain({ 'q', '<Esc>' }, 'board-close', 'close', board.close),
    plain('g?', 'help', 'these keys', board.help),
  }
end

return M
