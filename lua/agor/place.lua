-- Agents that run elsewhere, as far as something has to be run there from here: a login in a terminal, the question for a
-- version. Builds command lines, starts nothing; the sessions' own agents are the backend's (src/agent/place.rs).

local M = {}

-- What src/domain/place.rs knows of wrappers; a test there holds the two together.
local here = {
  env = true,
  nice = true,
  ionice = true,
  chrt = true,
  taskset = true,
  nix = true,
  direnv = true,
  devenv = true,
  mise = true,
  firejail = true,
  bwrap = true,
  ['systemd-run'] = true,
  sudo = true,
  doas = true,
}
local joins = { ssh = true, autossh = true, slogin = true }

-- Finds the program where a login shell does, and becomes it. Without single quotes, for it stands between two.
local finder = table.concat({
  [[command -v "$1" >/dev/null 2>&1 || { agor_l=$("${SHELL:-/bin/sh}" -lc "printf \"\nagor-path:%s\n\" \"\$PATH\""]],
  [[ </dev/null 2>/dev/null | sed -n "s/^agor-path://p"); [ -n "$agor_l" ] && PATH=$agor_l && export PATH; }; exec "$@"]],
})

---@param conf { wrap?: string[] }
---@return string
local function wrapper(conf)
  return conf.wrap and vim.fs.basename(conf.wrap[1] or '') or ''
end

---Whether the agent is on another machine or in a container.
---@param conf { wrap?: string[] }
---@return boolean
function M.is_elsewhere(conf)
  return wrapper(conf) ~= '' and not here[wrapper(conf)]
end

---@param word string
---@return string
local function quote(word)
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

---Everybody there can read a command line.
---@param name string
---@return boolean
local function is_secret(name)
  for _, word in ipairs({ 'KEY', 'TOKEN', 'SECRET', 'PASS', 'AUTH', 'CREDENTIAL' }) do
    if name:upper():find(word, 1, true) then
      return true
    end
  end
  return false
end

---The wrapper's words, for a terminal or for nobody.
---@param conf agor.Provider
---@param terminal boolean
---@return string[]
local function words(conf, terminal)
  local out, name = vim.deepcopy(conf.wrap or {}), wrapper(conf)
  if name == 'ssh' then
    table.insert(out, 2, terminal and '-t' or '-oBatchMode=yes')
  elseif terminal and out[2] == 'exec' then
    table.insert(out, 3, '-t')
  end
  return out
end

---The command line here of a command there. Values of variables that are named like secrets stay here.
---@param conf agor.Provider
---@param command string[] program and arguments, as they are called there
---@param opts { terminal?: boolean, env?: table<string, string> }
---@return string[]
function M.command(conf, command, opts)
  local out = words(conf, opts.terminal == true)
  if not M.is_elsewhere(conf) then
    return vim.list_extend(out, command)
  end
  local program, there = command[1], { 'env' }
  local names = vim.tbl_keys(opts.env or {})
  table.sort(names)
  for _, name in ipairs(names) do
    if name:match('^[%a_][%w_]*$') and not is_secret(name) then
      table.insert(there, name .. '=' .. opts.env[name])
    end
  end
  vim.list_extend(there, { 'sh', '-c', finder, 'sh', program })
  vim.list_extend(there, command, 2)
  local shell = conf.wrap_shell
  if shell == nil then
    shell = joins[wrapper(conf)] == true
  end
  if shell then
    table.insert(out, 'exec ' .. table.concat(vim.tbl_map(quote, there), ' '))
    return out
  end
  return vim.list_extend(out, there)
end

return M
