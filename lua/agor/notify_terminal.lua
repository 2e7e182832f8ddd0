-- What a terminal is told beside the screen: a bell, and a notification of the desktop. Knows escape sequences and which
-- terminal understands which; knows neither sessions nor when something is worth it.

local M = {}

-- More does not fit a desktop's notification.
local most = 200

---Nothing that a terminal could take for a command: control characters, bytes that are no UTF-8 and what turns the
---direction of the text are written out.
---@param text string
---@return string
local function plain(text)
  local shown = vim.fn.strtrans(require('agor.ui.cells').clean(text))
  return vim.fn.strcharpart(vim.trim(shown), 0, most)
end

---@alias agor.TerminalKind 'osc9'|'osc99'|'osc777'

---Which of the three ways a terminal understands. One that is not known gets the oldest, which most pass over in silence.
---@param env table<string, string>
---@return agor.TerminalKind|nil nil for one that would show it as text
function M.kind(env)
  local term = env.TERM or ''
  local program = (env.LC_TERMINAL or env.TERM_PROGRAM or ''):lower()
  if term == 'linux' or term == 'dumb' then
    return nil
  end
  if env.KITTY_WINDOW_ID or term:find('kitty') then
    return 'osc99'
  elseif
    term:find('^foot')
    or term:find('rxvt')
    or term:find('ghostty')
    or program == 'ghostty'
  then
    return 'osc777'
  elseif env.VTE_VERSION then
    return 'osc777'
  end
  return 'osc9'
end

---Through a multiplexer to the terminal that it runs in; tmux lets it pass if its `allow-passthrough` is on.
---@param env table<string, string>
---@param sequence string
---@return string
local function passed_through(env, sequence)
  if env.TMUX then
    return '\27Ptmux;' .. sequence:gsub('\27', '\27\27') .. '\27\\'
  elseif env.STY then
    return '\27P' .. sequence .. '\27\\'
  end
  return sequence
end

---@param env table<string, string>
---@param title string
---@param text string
---@return string|nil
function M.sequence(env, title, text)
  local kind = M.kind(env)
  if not kind then
    return nil
  end
  title, text = plain(title), plain(text)
  local sequence
  if kind == 'osc99' then
    sequence = ('\27]99;i=agor:d=0;%s\27\\\27]99;i=agor:d=1:p=body;%s\27\\'):format(title, text)
  elseif kind == 'osc777' then
    -- The first semicolon ends the title.
    sequence = ('\27]777;notify;%s;%s\27\\'):format((title:gsub(';', ',')), text)
  else
    -- A text that begins with a number and a semicolon is another command.
    sequence = ('\27]9;%s: %s\27\\'):format(title, text)
  end
  return passed_through(env, sequence)
end

---Is a terminal there that would get it?
---@return boolean
local function has_terminal()
  for _, ui in ipairs(vim.api.nvim_list_uis()) do
    if ui.stdout_tty then
      return true
    end
  end
  return false
end

---@param bytes string
---@return boolean sent
function M.send(bytes)
  if not has_terminal() then
    return false
  end
  -- To every terminal that is attached, where Neovim knows how (0.12); else to the one that it was started in.
  local name = 'nvim_ui_send'
  local to_uis = vim.api[name]
  if to_uis then
    return (pcall(to_uis, bytes))
  end
  return (pcall(vim.api.nvim_chan_send, vim.v.stderr, bytes))
end

function M.bell()
  M.send('\7')
end

---@param title string
---@param text string
function M.desktop(title, text)
  local sequence = M.sequence(vim.fn.environ(), title, text)
  if sequence then
    M.send(sequence)
  end
end

return M
