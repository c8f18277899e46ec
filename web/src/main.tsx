import './style/base.css';

document.getElementById('page')!.textContent = 'Sluice';
