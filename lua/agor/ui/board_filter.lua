--- The line at the foot of the board in which one types what it is narrowed to. Knows a word; the board knows sessions.

local api = vim.api

local M = {}

---@type integer?
local win

---@return integer?
function M.window()
  return win and api.nvim_win_is_valid(win) and win or nil
end

--- Asks for words below a window; they are told as they are typed.
---@param over integer the board's window
---@param text string what it is narrowed to now
---@param typed fun(text: string)
function M.ask(over, text, typed)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  api.nvim_buf_set_lines(buf, 0, -1, false, { text })
  win = api.nvim_open_win(buf, true, {
    relative = 'win',
    win = over,
    row = api.nvim_win_get_height(over) - 1,
    col = 0,
    width = api.nvim_win_get_width(over),
    height = 1,
    style = 'minimal',
    border = 'none',
    zindex = 59,
  })
  vim.wo[win][0].winhighlight = 'NormalFloat:AgorSelected'
  api.nvim_buf_set_extmark(buf, api.nvim_create_namespace('agor_board_filter'), 0, 0, {
    virt_text = { { '/', 'AgorKey' } },
    virt_text_pos = 'inline',
    right_gravity = false,
  })
  local done = false
  local function leave(kept)
    if done then
      return
    end
    done = true
    if vim.fn.mode() == 'i' then
      vim.cmd.stopinsert()
    end
    typed(kept)
    local here = M.window()
    win = nil
    if here then
      api.nvim_win_close(here, true)
    end
    if api.nvim_win_is_valid(over) then
      api.nvim_set_current_win(over)
    end
  end
  local function now()
    return api.nvim_buf_get_lines(buf, 0, 1, false)[1] or ''
  end
  local function map(modes, lhs, run)
    vim.keymap.set(modes, lhs, run, { buffer = buf, nowait = true })
  end
  map({ 'i', 'n' }, '<CR>', function()
    leave(now())
  end)
  map({ 'i', 'n' }, '<Esc>', function()
    leave(text)
  end)
  map({ 'i', 'n' }, '<C-c>', function()
    leave(text)
  end)
  api.nvim_create_autocmd({ 'TextChangedI', 'TextChanged' }, {
    buffer = buf,
    callback = function()
      -- What was pasted may have lines.
      if api.nvim_buf_line_count(buf) > 1 then
        local all = table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), ' ')
        api.nvim_buf_set_lines(buf, 0, -1, false, { all })
      end
      if not done then
        typed(now())
      end
    end,
  })
  api.nvim_create_autocmd('WinLeave', {
    buffer = buf,
    once = true,
    callback = function()
      vim.schedule(function()
        leave(done and '' or now())
      end)
    end,
  })
  vim.cmd('startinsert!')
end

return M
